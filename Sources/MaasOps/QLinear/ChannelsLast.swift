import MaasCore
import MaasGraph

/// An operator whose input 0 and output have the channels as their last dimension instead of dimension 1.
package final class ChannelsLast: Operator {
  private let inner: any Operator
  package var name: String { inner.name }

  private init(_ inner: any Operator) { self.inner = inner }

  /// The operator that `make` reads, inside this one where attribute `channels_last` says so.
  static func wrapping(
    _ reader: inout AttributeReader, always: Bool = false,
    _ make: (inout AttributeReader) throws(MaasError) -> any Operator
  ) throws(MaasError) -> any Operator {
    let isLast = try reader.int("channels_last") ?? 0 != 0 || always
    let inner = try make(&reader)
    return isLast ? ChannelsLast(inner) : inner
  }

  package static func maxPool(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    try wrapping(&reader, always: true) { (reader) throws(MaasError) in try Pool(.max, &reader) }
  }

  package static func qLinearConv(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    try wrapping(&reader) { (reader) throws(MaasError) in try QLinearConv(&reader) }
  }

  private func toFirst(_ rank: Int) -> [Int] { [0, rank - 1] + (1..<rank - 1) }
  private func toLast(_ rank: Int) -> [Int] { [0] + (2..<rank) + [1] }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectMinimumRank(0, 3)
    var inputs = node.inputs
    var fact = try node.input(0)
    fact = Fact(fact.dtype, fact.shape.map { x in Shape(toFirst(x.rank).map { x.dims[$0] }) })
    inputs[0] = fact
    let result = try node.output(of: inner, inputs)
    node.setOutput(
      0, result.dtype, result.shape.map { y in toLast(y.rank).map { y.dims[$0] } })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    var inputs = node.inputs
    inputs[0] = try node.transposed(try node.input(0), toFirst(y.rank))
    let inside = try node.temporary(y.dtype, toFirst(y.rank).map { y.shape[$0] })
    try node.substituting(inputs, [inside], inner.lower)
    try node.emitTranspose(inside, y, toLast(y.rank))
  }
}
