import CMaasKernels
import MaasCore
import MaasGraph

/// A convolution of each channel with its own kernel over the present and the past: the input follows the past state,
/// or zeros. The last elements of that are the state for the next call.
///
/// Inputs: input [batch, channels, length], weight [channels, 1, k], bias, past state [batch, channels, k - 1].
package final class CausalConvWithState: ReadableOperator {
  package let name = "CausalConvWithState"
  private let activation: Activation

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let text = try reader.string("activation") ?? "none"
    try reader.finish()
    switch text {
    case "none": activation = .none
    case "silu", "swish": activation = Activation(maas_f32_activation(op: MAAS_UNARY_SILU, alpha: 1, beta: 0))
    default:
      throw MaasError(
        .invalidModel, "attribute 'activation' has an unknown value", expected: "none, silu or swish",
        found: text)
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...4)
    try node.expectDType(0, [.float, .float16, .bfloat16])
    for i in 0..<4 where node.has(i) {
      try node.expectSameDType(0, i)
      try node.expectRank(i, i == 2 ? 1 : 3)
    }
    let x = try node.shape(0) ?? node.unknownShape(rank: 3)
    let w = try node.shape(1) ?? node.unknownShape(rank: 3)
    if let taps = w[2].value, taps < 1 {
      throw MaasError(.shapeMismatch, "the kernel is empty", expected: "at least 1", found: "\(taps)")
    }
    let state = [x[0], x[1], w[2] - .known(1)]
    let expected: [[Dim]] = [x, [x[1], .known(1), w[2]], [x[1]], state]
    for i in 1..<4 where node.has(i) {
      guard let found = try node.shape(i) else { continue }
      for d in found.indices { _ = try unified(expected[i][d], found[d], "dimension \(d) of input \(i)") }
    }
    node.setOutput(0, try node.dtype(0), x)
    node.setOutput(1, try node.dtype(0), state)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w) = (try node.input(0), try node.input(1))
    let (rows, past) = (x.shape[0] * x.shape[1], w.shape[2] - 1)
    let length = x.shape[2]
    let whole = try node.temporary(x.dtype, [x.shape[0], x.shape[1], past + length])
    if let state = node.optionalInput(3) {
      try node.emitColumns(rows, state, whole, past, from: 0, to: 0)
    } else {
      let zero = try node.scalar(0, x.dtype)
      try node.emitCopy(
        zero, whole, [rows, past], xStrides: [0, 0], yStrides: [past + length, 1])
    }
    try node.emitColumns(rows, x, whole, length, from: 0, to: past)
    if let state = node.optionalOutput(1) {
      try node.emitColumns(rows, whole, state, past, from: length, to: 0)
    }
    guard let y = node.optionalOutput(0), y.count > 0 else { return }
    var params = maas_f32_conv_params()
    params.batch = Int64(x.shape[0])
    (params.channels, params.filters, params.groups) = (
      Int64(x.shape[1]), Int64(x.shape[1]), Int64(x.shape[1])
    )
    assign(&params.input, [1, 1, past + length])
    assign(&params.output, [1, 1, length])
    assign(&params.kernel, [1, 1, past + 1])
    assign(&params.stride, [1, 1, 1])
    assign(&params.dilation, [1, 1, 1])
    params.activation = activation.function
    let target = try node.widenedTarget(y)
    let split = maas_f32_conv_split(&params)
    node.emit(
      maas_f32_conv,
      [try node.widened(whole), try node.widened(w), try node.widenedOptional(2), nil, target],
      params, split)
    node.narrow(target, into: y)
  }
}

extension Lowering {
  /// Copies `count` neighbouring elements of each row.
  fileprivate mutating func emitColumns(
    _ rows: Int, _ x: Operand, _ y: Operand, _ count: Int, from: Int, to: Int
  ) throws(MaasError) {
    try emitCopy(
      x, y, [rows, count], xStrides: [x.shape[2], 1], yStrides: [y.shape[2], 1], xOffset: from, yOffset: to)
  }
}
