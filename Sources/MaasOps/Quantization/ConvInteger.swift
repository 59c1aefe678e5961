import CMaasKernels
import MaasCore
import MaasGraph

/// Convolution of 8-bit integers less their zero points, in int32. Padding counts as zero.
package final class ConvInteger: ReadableOperator {
  package let name = "ConvInteger"
  private let convolution: Convolution

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    convolution = try Convolution(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...4)
    try node.expectBytes(x: 0, xZero: 2)
    try node.expectBytes(x: 1, xZero: 3)
    if node.has(2) { try node.expectElement(2) }
    if node.has(3) { try node.expectPerFilter(3, w: 1) }
    node.setOutput(0, .int32, try convolution.shape(&node, x: 0, w: 1, bias: 3))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w) = try operands(node)
    try node.emitIntegerConvolution(convolution, x, w, IntegerFinish(), try node.output())
  }

  package var channelsLast: (any Operator)? {
    ChannelsLast(self, begins: true) { [self] node throws(MaasError) in
      let (x, w) = try operands(node)
      try node.emitChannelsLastConvolution(convolution, x, w, IntegerFinish(), try node.output())
    }
  }

  /// The same with its sums scaled to floats.
  package var scaled: QuantizedProduct { QuantizedProduct(convolution, .none) }

  private func operands(_ node: Lowering) throws(MaasError) -> (IntegerSide, IntegerSide) {
    (
      IntegerSide(try node.input(0), node.optionalInput(2)),
      IntegerSide(try node.input(1), node.optionalInput(3))
    )
  }
}

/// Convolution of quantized tensors: saturate(round((X * W + B) (x_scale w_scale / y_scale)) + y's zero point), where
/// X and W are less their zero points.
package final class QLinearConv: ReadableOperator {
  package let name = "QLinearConv"
  private let convolution: Convolution

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    convolution = try Convolution(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(8...9)
    try node.expectBytes(x: 0, xZero: 2)
    try node.expectBytes(x: 3, xZero: 5)
    for i in [1, 4, 6] { try node.expectDType(i, [.float]) }
    try node.expectDType(7, [.uint8, .int8])
    if node.has(8) {
      try node.expectDType(8, [.int32])
      try node.expectRank(8, 1)
    }
    for i in [1, 2, 6, 7] { try node.expectElement(i) }
    for i in [4, 5] { try node.expectPerFilter(i, w: 3) }
    node.setOutput(0, try node.dtype(7), try convolution.shape(&node, x: 0, w: 3, bias: 8))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w, finish) = try operands(node)
    try node.emitIntegerConvolution(convolution, x, w, finish, try node.output())
  }

  package var channelsLast: (any Operator)? {
    ChannelsLast(self, begins: true) { [self] node throws(MaasError) in
      let (x, w, finish) = try operands(node)
      try node.emitChannelsLastConvolution(convolution, x, w, finish, try node.output())
    }
  }

  private func operands(_ node: Lowering) throws(MaasError) -> (IntegerSide, IntegerSide, IntegerFinish) {
    let finish = IntegerFinish(
      aScale: try node.input(1), bScale: try node.input(4), bias: node.optionalInput(8),
      yScale: try node.input(6),
      yZero: try node.input(7))
    return (
      IntegerSide(try node.input(0), try node.input(2)), IntegerSide(try node.input(3), try node.input(5)),
      finish
    )
  }
}

extension Inference {
  /// Requires 8-bit integers, and a zero point of their type if there is one.
  fileprivate func expectBytes(x i: Int, xZero j: Int) throws(MaasError) {
    try expectDType(i, [.uint8, .int8])
    if has(j) { try expectSameDType(i, j) }
  }
}

extension Inference {
  /// Requires one number, or one for each filter.
  fileprivate func expectPerFilter(_ i: Int, w j: Int) throws(MaasError) {
    guard let own = try input(i).shape?.count.value, let filters = try shape(j)?.first?.value, own != 1,
      own != filters
    else { return }
    throw MaasError(
      .shapeMismatch, "input \(i) does not fit the weights", expected: "1 element, or \(filters)",
      found: "\(own)")
  }
}
