import CMaasKernels
import MaasCore
import MaasGraph

/// Convolution over 1 to 3 spatial dimensions, in groups.
///
/// A rewrite may add input 3, a residual of the output's shape, and an activation; these need float.
package final class Conv: ReadableOperator {
  package let name = "Conv"
  private let window: Window
  private let group: Int
  private let activation: Activation

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    window = try Window(&reader)
    group = try reader.int("group") ?? 1
    activation = .none
    try reader.expectInputs(2...3)
    try reader.finish()
    guard group > 0 else {
      throw MaasError(.invalidModel, "attribute 'group' is not positive", found: "\(group)")
    }
  }

  private init(_ conv: Conv, _ activation: Activation) {
    (window, group) = (conv.window, conv.group)
    self.activation = activation
  }

  /// The same operator with `activation` behind it; nil where there is one already.
  package func adding(_ activation: Activation) -> Conv? {
    self.activation.isNone ? Conv(self, activation) : nil
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...4)
    try node.expectDType(0, DType.floats)
    try node.expectSameDTypes(0..<2)
    let dtype = try node.dtype(0)
    guard let x = try node.shape(0), let w = try node.shape(1) else {
      let ranks = [try node.shape(0)?.count, try node.shape(1)?.count]
      let rank = ranks.compactMap { $0 }.first
      return node.setOutput(0, dtype, node.unknownShape(given: rank))
    }
    try node.expectMinimumRank(0, 3)
    try node.expectRank(1, x.count)
    try checkChannels(x[1], w)
    if node.has(2), let bias = try node.shape(2) {
      try node.expectRank(2, 1)
      try node.expectSameDType(0, 2)
      _ = try unified(w[0], bias[0], "the filters of the weights and the bias")
    }
    let sizes = try window.sizes(rank: x.count - 2, weights: Array(w[2...]))
    node.setOutput(0, dtype, [x[0], w[0]] + (try window.output(Array(x[2...]), sizes)))
  }

  private func checkChannels(_ channels: Dim, _ w: [Dim]) throws(MaasError) {
    if let filters = w[0].value, filters % group != 0 {
      throw MaasError(
        .shapeMismatch, "the filters do not divide into the groups", expected: "a multiple of \(group)",
        found: "\(filters)")
    }
    _ = try unified(w[1] * .known(group), channels, "the channels of the weights and the input")
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    var params = try params(x, w, y)
    if x.dtype == .double {
      return node.emitPlainConv(
        params, [x, w, node.optionalInput(2), y], items: y.count / y.shape[y.rank - 1])
    }
    if node.optionalInput(3) != nil { node.mayReuse(input: 3) }
    let target = try node.widenedTarget(y)
    let operands = [
      try node.widened(x), try node.widened(w), try node.widenedOptional(2), try node.widenedOptional(3),
      target,
    ]
    let split = maas_f32_conv_split(&params)
    node.emit(maas_f32_conv, operands, params, split)
    node.narrow(target, into: y)
  }

  private func params(_ x: Operand, _ w: Operand, _ y: Operand) throws(MaasError) -> maas_f32_conv_params {
    let kernel = Array(w.shape[2...])
    let (input, output) = (Array(x.shape[2...]), Array(y.shape[2...]))
    let sizes = try window.sizes(rank: kernel.count, weights: kernel.map { .known($0) })
    var params = maas_f32_conv_params()
    params.batch = Int64(x.shape[0])
    params.channels = Int64(x.shape[1])
    params.filters = Int64(w.shape[0])
    params.groups = Int64(group)
    assign(&params.input, spatial(input, 1))
    assign(&params.output, spatial(output, 1))
    assign(&params.kernel, spatial(kernel, 1))
    assign(&params.stride, spatial(sizes.strides, 1))
    assign(&params.dilation, spatial(sizes.dilations, 1))
    assign(&params.pad, spatial(window.pads(input, output, sizes).begin, 0))
    params.activation = activation.function
    return params
  }
}
