/// What work an operator is, as far as its cost and its colour go.
enum OperatorKind: String, CaseIterable {
  case product = "convolutions and products"
  case attention = "attention"
  case recurrent = "recurrent"
  case normalization = "normalization and softmax"
  case reduction = "reductions and pooling"
  case movement = "movement and shapes"
  case control = "control and sequences"
  case elementwise = "element-wise"

  init(_ name: String) {
    self = Self.named[name] ?? (Self.prefixed.first { name.hasPrefix($0.prefix) }?.kind ?? .elementwise)
  }

  private static let prefixed: [(prefix: String, kind: OperatorKind)] = [
    ("Reduce", .reduction), ("Arg", .reduction), ("Sequence", .control), ("Optional", .control),
    ("Random", .elementwise),
  ]

  private static let named: [String: OperatorKind] = {
    var kinds: [String: OperatorKind] = [:]
    for (kind, names) in names { for name in names.split(separator: " ") { kinds[String(name)] = kind } }
    return kinds
  }()

  private static let names: [(OperatorKind, String)] = [
    (
      .product,
      "Conv ConvInteger ConvTranspose DeformConv QLinearConv Gemm MatMul MatMulInteger QLinearMatMul Einsum "
        + "CausalConvWithState DFT DynamicQuantizeMatMul FusedMatMul MatMulIntegerToFloat MatMulNBits QGemm STFT Det"
    ),
    (
      .attention,
      "Attention FlexAttention GroupQueryAttention LinearAttention MultiHeadAttention QAttention RotaryEmbedding"
    ),
    (.recurrent, "DynamicQuantizeLSTM GRU LSTM RNN"),
    (
      .normalization,
      "BatchNormalization GroupNormalization InstanceNormalization LRN LayerNormalization LogSoftmax "
        + "LpNormalization MeanVarianceNormalization RMSNormalization Softmax Hardmax "
        + "BiasSoftmax EmbedLayerNormalization QLinearSoftmax SimplifiedLayerNormalization SkipLayerNormalization "
        + "SkipSimplifiedLayerNormalization"
    ),
    (
      .reduction,
      "AveragePool GlobalAveragePool GlobalLpPool GlobalMaxPool LpPool MaxPool MaxRoiPool MaxUnpool RoiAlign "
        + "CumSum CumProd TopK NhwcMaxPool NonMaxSuppression QLinearAveragePool "
        + "QLinearGlobalAveragePool QLinearReduceMean NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss"
    ),
    (
      .movement,
      "BitCast Cast CastLike CenterCropPad Col2Im Compress Concat Constant ConstantOfShape DepthToSpace Expand "
        + "EyeLike Flatten Gather GatherElements GatherND Identity NonZero OneHot Pad Range Reshape "
        + "ReverseSequence Scatter ScatterElements ScatterND Shape Size Slice SpaceToDepth Split Squeeze "
        + "GatherBlockQuantized QLinearConcat TensorScatter Tile Transpose Trilu Unique Unsqueeze"
    ),
    (.control, "If Loop Scan SplitToSequence ConcatFromSequence ImageDecoder"),
  ]
}
