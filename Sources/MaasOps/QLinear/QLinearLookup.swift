import CMaasKernels
import MaasCore
import MaasGraph

/// y = quantized(f(x)) for a function of one number: a table of 256 bytes.
package final class QLinearLookup: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let op: maas_unary
    let alpha: Float?

    package static let leakyRelu = Row(name: "QLinearLeakyRelu", op: MAAS_UNARY_LEAKY_RELU, alpha: 0.01)
    package static let sigmoid = Row(name: "QLinearSigmoid", op: MAAS_UNARY_SIGMOID, alpha: nil)
  }

  private let function: maas_f32_activation
  package let name: String

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    name = row.name
    var alpha = row.alpha
    if alpha != nil, let given = try reader.float("alpha") { alpha = given }
    function = maas_f32_activation(op: row.op, alpha: alpha ?? 0, beta: 0)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(4...5)
    try node.expectQuantized(0, scale: 1, zero: 2)
    try node.expectScale(3, zero: 4, like: 0)
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let x = try node.quantized(0, scale: 1, zero: 2)
    let table = try node.table(function, x, to: try node.input(3), node.optionalInput(4))
    node.emitLookup(x.x, table, try node.output())
  }
}

/// Quantized tensors one after the other along an axis, all brought to the output's scale and zero point.
package final class QLinearConcat: ReadableOperator {
  package let name = "QLinearConcat"
  private let concat: Concat
  /// The index of each tensor, behind which its scale and zero point stand.
  private let tensors: [Int]

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    tensors = Array(stride(from: 2, to: reader.inputCount, by: 3))
    concat = try Concat(&reader)
  }

  package init(_ concat: Concat, tensors count: Int) {
    self.concat = concat
    tensors = (0..<count).map { 2 + 3 * $0 }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    let count = node.inputs.count
    guard count >= 5, count % 3 == 2 else {
      throw MaasError(
        .invalidModel, "the number of inputs is wrong", expected: "2 and 3 for each tensor", found: "\(count)"
      )
    }
    var facts: [Fact?] = []
    for i in tensors {
      try node.expectQuantized(i, scale: i + 1, zero: i + 2)
      try node.expectScale(0, zero: 1, like: i)
      facts.append(Fact(try node.dtype(i), try node.input(i).shape))
    }
    node.setOutput(0, try node.output(of: concat, facts))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try join(&node, axis: try normalized(axis: concat.axis, rank: try node.output().rank))
  }

  package var channelsLast: (any Operator)? {
    ChannelsLast(self, images: tensors) { [self] node throws(MaasError) in
      let rank = try node.output().rank
      let axis = try normalized(axis: concat.axis, rank: rank)
      try join(&node, axis: ChannelsLast.toLast(rank: rank).firstIndex(of: axis) ?? axis)
    }
  }

  private func join(_ node: inout Lowering, axis: Int) throws(MaasError) {
    let y = try node.output()
    var offset = 0
    for i in tensors {
      let x = try node.quantized(i, scale: i + 1, zero: i + 2)
      let table = try node.table(
        maas_f32_activation(), x, to: try node.input(0), node.optionalInput(1))
      let width = x.x.shape[axis...].reduce(1, *)
      node.emitLookup(
        x.x, table, y, width: width, stride: y.shape[axis...].reduce(1, *), offset: offset)
      offset += width
    }
  }
}

/// condition ? x : y, each brought to the output's scale and zero point.
package final class QLinearWhere: ReadableOperator {
  package let name = "QLinearWhere"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(9...9)
    try node.expectDType(0, [.bool])
    for i in [1, 4] { try node.expectQuantized(i, scale: i + 1, zero: i + 2) }
    try node.expectScale(7, zero: 8, like: 1)
    try node.expectSameDType(1, 4)
    let shape: [Dim]?
    if let condition = try node.shape(0), let x = try node.shape(1), let y = try node.shape(4) {
      shape = try broadcast(broadcast(condition, x), y)
    } else {
      shape = nil
    }
    node.setOutput(0, try node.dtype(1), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    var sides: [Operand] = []
    for i in [1, 4] {
      let x = try node.quantized(i, scale: i + 1, zero: i + 2)
      let table = try node.table(
        maas_f32_activation(), x, to: try node.input(7), node.optionalInput(8))
      let side = try node.temporary(x.x.dtype, x.x.shape)
      node.emitLookup(x.x, table, side)
      sides.append(side)
    }
    try node.emitWhere(try node.input(0), sides[0], sides[1], try node.output())
  }
}
