import CMaasKernels
import MaasCore
import MaasGraph

/// com.microsoft's BiasGelu and FastGelu: a function of X to which a vector may be added before.
package final class BiasActivation: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let function: Unary.Row
    let inputs: ClosedRange<Int>

    package static let biasGelu = Row(name: "BiasGelu", function: .gelu, inputs: 2...2)
    package static let fastGelu = Row(name: "FastGelu", function: .geluTanh, inputs: 1...2)
  }

  private let row: Row
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(row.inputs)
    try node.expectDType(0, DType.upToFloat)
    if node.has(1) { try node.expectBias(1) }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.widenedInput(0), try node.output())
    try node.mayReuseElementwise(0)
    let target = try node.widenedTarget(y)
    let function = Unary(row.function).activation
    if let bias = try node.widenedOptional(1) {
      try node.emitBinary(.add, x, bias, target, function)
    } else {
      node.emitUnary(function.function, x, target)
    }
    node.narrow(target, into: y)
  }
}

/// com.microsoft's BiasSoftmax: the softmax of X + bias over all dimensions from `axis` on.
package final class BiasSoftmax: ReadableOperator {
  package let name = "BiasSoftmax"
  private let axis: SoftmaxAxis

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try SoftmaxAxis(&reader)
    // Says in other words which dimensions of the bias are 1.
    reader.ignore("is_inner_broadcast")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.floats)
    try node.expectSameDType(0, 1)
    let shape = try node.shape(0)
    if let shape {
      try axis.check(rank: shape.count)
      if let bias = try node.shape(1), try !broadcasts(bias, into: shape) {
        throw MaasError(
          .shapeMismatch, "the bias does not broadcast to X", expected: Shape(shape).text,
          found: Shape(bias).text)
      }
    }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let shape = try axis.collapsed(x.shape)
    var params = maas_f32_softmax_params()
    (params.outer, params.axis, params.inner) = (Int64(shape.outer), Int64(shape.axis), Int64(shape.inner))
    try node.mayReuseElementwise(0)
    let target = try node.target(y, x.dtype.wide)
    try node.emitBinary(
      .add, try node.converted(x, target.dtype), try node.converted(try node.input(1), target.dtype), target)
    node.emitSoftmax(params, target, target)
    node.narrow(target, into: y)
  }
}

extension Inference {
  /// Refuses an input that is no vector as long as the last dimension of input 0.
  func expectBias(_ i: Int) throws(MaasError) {
    try expectSameDType(0, i)
    try expectMinimumRank(0, 1)
    try expectRank(i, 1)
    if let last = try shape(0)?.last { try expectShape(i, [last]) }
  }
}
