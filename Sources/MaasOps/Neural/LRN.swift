import CMaasKernels
import MaasCore
import MaasGraph

/// Local response normalisation: y = x / (bias + alpha / size * sum)^beta, where the sum is that of the squares of
/// `size` neighbouring channels.
package final class LRN: ReadableOperator {
  package let name = "LRN"
  let alpha, beta, bias: Float
  let size: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    alpha = try reader.float("alpha") ?? 0.0001
    beta = try reader.float("beta") ?? 0.75
    bias = try reader.float("bias") ?? 1
    size = try reader.int("size") ?? 0
    try reader.finish()
    // A window larger than any tensor is refused before its padding could overflow.
    guard size > 0, size < 1 << 31 else {
      throw MaasError(.invalidModel, "attribute 'size' must be positive", found: "\(size)")
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats)
    try node.expectMinimumRank(0, 2)
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let wide = x.dtype.wide
    let from = try node.converted(x, wide)
    let target = try node.target(y, wide)
    let (squares, means) = (try node.temporary(wide, x.shape), try node.temporary(wide, x.shape))
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_SQUARE, alpha: 0, beta: 0), from, squares)
    emitMeans(&node, squares, means)
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_AFFINE, alpha: alpha, beta: bias), means, means)
    try node.emitBinary(.pow, means, try node.scalar(Double(beta), wide), means)
    try node.emitBinary(.div, from, means, target)
    node.narrow(target, into: y)
  }

  /// The sum over neighbouring channels, divided by `size`: an average pool with channels for the height of an image.
  /// Mirrored: over the channels that have this one among theirs.
  func emitMeans(_ node: inout Lowering, _ x: Operand, _ y: Operand, isMirrored: Bool = false) {
    let (channels, width) = (x.shape[1], x.shape.dropFirst(2).reduce(1, *))
    var params = maas_f32_pool_params()
    params.op = MAAS_POOL_AVERAGE
    params.count_include_pad = true
    params.planes = Int64(x.shape[0])
    assign(&params.input, [1, channels, width])
    assign(&params.output, [1, channels, width])
    assign(&params.kernel, [1, size, 1])
    assign(&params.stride, [1, 1, 1])
    assign(&params.dilation, [1, 1, 1])
    assign(&params.pad_begin, [0, (isMirrored ? size : size - 1) / 2, 0])
    assign(&params.pad_end, [0, (isMirrored ? size - 1 : size) / 2, 0])
    if x.dtype == .double { return node.emitPlainPool(params, [x, y, nil], items: y.count) }
    let split = withUnsafePointer(to: params) { maas_f32_pool_split($0) }
    node.emit(maas_f32_pool, [x, y, nil], params, split)
  }
}
