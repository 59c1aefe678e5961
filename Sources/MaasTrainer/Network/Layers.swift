import MaasCore
import MaasGraph

/// How one line of a network's text becomes nodes.
struct LayerRow: Sendable {
  let name: String
  let add: @Sendable (inout NetworkBuilder, inout LayerReader, String) throws(MaasError) -> Void

  init(
    _ name: String,
    _ add: @escaping @Sendable (inout NetworkBuilder, inout LayerReader, String) throws(MaasError) -> Void
  ) {
    (self.name, self.add) = (name, add)
  }
}

/// Every layer, sorted by name.
let layerTable: [LayerRow] = [
  LayerRow("activation", addActivation),
  LayerRow("attention", addAttention),
  LayerRow("average-pool") { (b, r, n) throws(MaasError) in try addPool(&b, &r, n, "AveragePool") },
  LayerRow("batch-norm", addBatchNormalization),
  LayerRow("conv") { (b, r, n) throws(MaasError) in try addConvolution(&b, &r, n, isDepthwise: false) },
  LayerRow("dense", addDense),
  LayerRow("depthwise-conv") { (b, r, n) throws(MaasError) in try addConvolution(&b, &r, n, isDepthwise: true)
  },
  LayerRow("dropout", addDropout),
  LayerRow("embedding", addEmbedding),
  LayerRow("end", endResidual),
  LayerRow("flatten", addFlatten),
  LayerRow("global-average-pool", addGlobalPool),
  LayerRow("gru") { (b, r, n) throws(MaasError) in try addRecurrent(&b, &r, n, "GRU", gates: 3) },
  LayerRow("input", addInput),
  LayerRow("layer-norm", addLayerNormalization),
  LayerRow("lstm") { (b, r, n) throws(MaasError) in try addRecurrent(&b, &r, n, "LSTM", gates: 4) },
  LayerRow("max-pool") { (b, r, n) throws(MaasError) in try addPool(&b, &r, n, "MaxPool") },
  LayerRow("positional", addPositions),
  LayerRow("reshape", addReshape),
  LayerRow("residual") { (b, _, _) throws(MaasError) in b.beginResidual() },
  LayerRow("transformer", addTransformer),
]

private func addInput(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  let type = try r.choice("type", ["float", "int64"]) ?? "float"
  b.setInput(try r.counts("shape"), type == "float" ? .float : .int64)
}

private func addDense(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  let units = try r.required("units")
  let (activation, hasBias) = (try ActivationName(&r), try r.flag("bias") ?? true)
  try b.expectRank(1...2, "features, or a sequence of them")
  try b.dense(name, units, activation, hasBias: hasBias)
  try b.activate(activation, name)
}

private func addActivation(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String)
  throws(MaasError)
{
  let word = try r.choice("function", ActivationName.words, isValue: true) ?? "relu"
  try b.activate(ActivationName(word: word), name)
}

private func addFlatten(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  guard b.shape.count != 1 else { return }
  try b.apply("Flatten", name, [], [Attribute("axis", .int(1))], to: [elementCount(b.shape) ?? 0])
}

private func addReshape(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  let shape = try r.counts("shape")
  guard elementCount(shape) == elementCount(b.shape) else {
    throw MaasError(
      .shapeMismatch, "the shape has another number of elements", expected: "\(elementCount(b.shape) ?? 0)",
      found: describe(shape))
  }
  try b.reshape(name, shape)
}

private func addDropout(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError) {
  try b.dropout(name, try r.real("ratio", .part) ?? 0.5)
}

private func addBatchNormalization(
  _ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String
) throws(MaasError) {
  let momentum = try r.real("momentum", .part) ?? 0.9
  let epsilon = try r.real("epsilon", .positive) ?? 1e-5
  try b.expectRank(1...4, "features or channels")
  let channels = [b.shape[0]]
  let inputs: [ValueID?] = [
    try b.parameter(name / "scale", channels, .ones), try b.parameter(name / "bias", channels, .zeros),
    try b.parameter(name / "mean", channels, .zeros), try b.parameter(name / "variance", channels, .ones),
  ]
  try b.apply(
    "BatchNormalization", name, inputs,
    [Attribute("epsilon", .float(Float(epsilon))), Attribute("momentum", .float(Float(momentum)))])
}

private func addLayerNormalization(
  _ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String
) throws(MaasError) {
  let epsilon = try r.real("epsilon", .positive) ?? 1e-5
  try b.expectRank(1...4, "features")
  try b.layerNormalization(name, epsilon)
}

/// Adds what came into the block to what comes out; where shapes differ, through a projection.
private func endResidual(_ b: inout NetworkBuilder, _ r: inout LayerReader, _ name: String) throws(MaasError)
{
  let activation = try ActivationName(&r)
  let entry = try b.endResidual()
  let (own, shape) = (b.current, b.shape)
  var other = entry.value
  if entry.shape != shape {
    b.setCurrent(entry.value, entry.shape)
    try b.project(name / "projection", to: shape)
    other = b.current
  }
  b.setCurrent(try b.node("Add", name, [own, other]), shape)
  try b.activate(activation, name)
}

extension NetworkBuilder {
  /// Gives the current value another shape, by a product or a convolution with windows of one element.
  fileprivate mutating func project(_ name: String, to shape: [Int]) throws(MaasError) {
    let own = self.shape
    guard own.count == shape.count, own.count > 0 else {
      throw MaasError(
        .shapeMismatch, "what comes out of the block cannot be added to what comes in",
        expected: describe(own),
        found: describe(shape))
    }
    if own.count < 3 {
      if own.count == 2, own[0] != shape[0] { throw unequal(own, shape) }
      return try dense(name, shape[own.count - 1], .none, hasBias: true)
    }
    let strides = zip(own, shape).dropFirst().map { max(1, ($0 + $1 - 1) / max(1, $1)) }
    let made = zip(own.dropFirst(), strides).map { ($0 + $1 - 1) / $1 }
    guard made == Array(shape.dropFirst()) else { throw unequal(own, shape) }
    try convolve(
      name, filters: shape[0], Convolving(kernel: strides.map { _ in 1 }, strides: strides), .none,
      hasBias: true)
  }

  private func unequal(_ own: [Int], _ shape: [Int]) -> MaasError {
    MaasError(
      .shapeMismatch, "what comes out of the block cannot be added to what comes in", expected: describe(own),
      found: describe(shape))
  }

  /// x W + b over the last dimension.
  mutating func dense(
    _ name: String, _ units: Int, _ activation: ActivationName, hasBias: Bool
  ) throws(MaasError) {
    let width = shape[shape.count - 1]
    let weight = try parameter(name / "weight", [width, units], activation.initializer(width, units))
    let bias = hasBias ? try parameter(name / "bias", [units], .zeros) : nil
    let result = Array(shape.dropLast()) + [units]
    if shape.count == 1 {
      return try apply("Gemm", name, bias == nil ? [weight] : [weight, bias], to: result)
    }
    try apply("MatMul", name, [weight], to: result)
    if let bias { try apply("Add", name / "add", [bias]) }
  }

  mutating func reshape(_ name: String, _ shape: [Int]) throws(MaasError) {
    // 0 keeps the batch.
    try apply("Reshape", name, [try constant(name / "shape", [0] + shape)], to: shape)
  }

  mutating func dropout(_ name: String, _ ratio: Double) throws(MaasError) {
    if ratio == 0 { return }
    let tensor = try Tensor(.float, [], [Float(ratio)])
    try apply("Dropout", name, [constant(name / "ratio", tensor)])
  }

  mutating func layerNormalization(_ name: String, _ epsilon: Double = 1e-5) throws(MaasError) {
    let width = [shape[shape.count - 1]]
    let inputs: [ValueID?] = [
      try parameter(name / "scale", width, .ones), try parameter(name / "bias", width, .zeros),
    ]
    try apply("LayerNormalization", name, inputs, [Attribute("epsilon", .float(Float(epsilon)))])
  }
}
