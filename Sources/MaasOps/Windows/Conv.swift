import CMaasKernels
import MaasCore
import MaasGraph

/// Convolution over 1 to 3 spatial dimensions, in groups.
///
/// A rewrite may add input 3, a residual of the output's shape, and an activation; so may com.microsoft's FusedConv.
/// They need float.
package final class Conv: ReadableOperator {
  package let name = "Conv"
  let convolution: Convolution
  let activation: Activation

  package convenience init(_ reader: inout AttributeReader) throws(MaasError) {
    try reader.expectInputs(2...3)
    try self.init(&reader, .none)
  }

  package init(_ reader: inout AttributeReader, _ activation: Activation) throws(MaasError) {
    convolution = try Convolution(&reader)
    self.activation = activation
    try reader.finish()
  }

  private init(_ convolution: Convolution, _ activation: Activation) {
    (self.convolution, self.activation) = (convolution, activation)
  }

  /// The same operator with more padding, in front of all spatial dimensions and behind them; nil where it cannot be.
  package func padded(_ more: [Int]) -> Conv? { convolution.padded(more).map { Conv($0, activation) } }

  /// The same operator with `activation` behind it; nil where there is one already.
  package func adding(_ activation: Activation) -> Conv? {
    self.activation.isNone ? Conv(convolution, activation) : nil
  }

  /// True without an activation: what is added to the results can then be a bias.
  package var isLinear: Bool { activation.isNone }

  package var groups: Int { convolution.group }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...4)
    try node.expectDType(0, isLinear && !node.has(3) ? DType.floats : DType.upToFloat)
    if node.has(2) { try node.expectRank(2, 1) }
    for i in 1..<4 where i < 2 || node.has(i) { try node.expectSameDType(0, i) }
    let shape = try convolution.shape(&node, x: 0, w: 1, bias: 2)
    if let shape { try node.expectShape(3, shape) }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    var params = try params(x.shape, w.shape, y.shape)
    if x.dtype == .double {
      return node.emitPlainConv(
        params, [x, w, node.optionalInput(2), y], items: y.count / y.shape[y.rank - 1])
    }
    node.mayReuseAlone(3)
    let target = try node.widenedTarget(y)
    let operands: [Operand?] = [
      try node.widened(x), try node.widened(w), try node.widenedOptional(2), try node.widenedOptional(3),
      target,
    ]
    try emit(&node, &params, operands, target)
    node.narrow(target, into: y)
  }

  private func emit(
    _ node: inout Lowering, _ params: inout maas_f32_conv_params, _ operands: [Operand?], _ y: Operand
  ) throws(MaasError) {
    #if !hasFeature(Embedded)  // Which does not train.
      if let x = operands[0], let w = operands[1], w.constant == nil, operands[3] == nil,
        try node.emitDirectConvolution(params, x, w, operands[2], y)
      {
        return
      }
    #endif
    let split = maas_f32_conv_split(&params)
    node.emit(maas_f32_conv, operands, params, split)
  }

  /// For shapes in ONNX's order.
  func params(_ x: [Int], _ w: [Int], _ y: [Int]) throws(MaasError) -> maas_f32_conv_params {
    var params = try convolution.params(x, w, y)
    params.activation = activation.function
    return params
  }
}
