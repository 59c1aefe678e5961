import MaasCore
import MaasGraph

/// Min, Max, Sum and Mean of any number of tensors, with broadcasting.
package final class Variadic: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let pair: Binary.Row
    let isMean: Bool
    let types: [DType]

    package static let biasAdd = Row(name: "BiasAdd", pair: .add, isMean: false, types: DType.floats)
    package static let max = Row(name: "Max", pair: .max, isMean: false, types: DType.numbers)
    package static let mean = Row(name: "Mean", pair: .add, isMean: true, types: DType.floats)
    package static let min = Row(name: "Min", pair: .min, isMean: false, types: DType.numbers)
    package static let sum = Row(name: "Sum", pair: .add, isMean: false, types: DType.floats)
  }

  let row: Row
  package var name: String { row.name }

  package init(_ row: Row) { self.row = row }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    reader.ignore("consumed_inputs")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    let all = node.inputs.indices
    try node.expectInputs(1...Int.max)
    try node.expectDType(0, row.types)
    try node.expectSameDTypes(all)
    node.setOutput(0, try node.dtype(0), try node.broadcastShape(all), dims: try followed(node))
  }

  private func followed(_ node: Inference) throws(MaasError) -> [Dim]? {
    guard let rule = row.pair.follow, !row.isMean else { return nil }
    return try node.followed(node.inputs.indices) { dims in
      var result: Dim? = dims[0]
      for dim in dims.dropFirst() { result = result.flatMap { rule($0, dim) } }
      return result
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    if node.inputs.count == 1 { return node.alias() }
    try allowReuse(&node)
    var sum = try node.input(0)
    for i in 1..<node.inputs.count {
      try node.emitBinary(row.pair, sum, try node.input(i), y)
      sum = y
    }
    if row.isMean { try node.emitBinary(.div, y, try count(&node, y.dtype), y) }
  }

  /// Only the first step reads inputs 0 and 1; later ones must not find their input overwritten.
  private func allowReuse(_ node: inout Lowering) throws(MaasError) {
    for i in 0..<2 {
      let buffer = try node.input(i).buffer
      let isReadLater = node.inputs.dropFirst(2).contains { $0?.buffer == buffer }
      if !isReadLater { try node.mayReuseElementwise(i) }
    }
  }

  private func count(_ node: inout Lowering, _ dtype: DType) throws(MaasError) -> Operand {
    let number = try Tensor(.double, [], [Double(node.inputs.count)])
    return try node.constant(try cast(number, to: dtype))
  }
}
