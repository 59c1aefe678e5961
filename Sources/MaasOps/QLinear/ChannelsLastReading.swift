import MaasCore
import MaasGraph

/// Operators of com.microsoft that may have their channels last.
package enum ChannelsLastReading {
  /// The operator that `make` reads, with its channels last where attribute `channels_last` says so.
  static func wrapping(
    _ reader: inout AttributeReader, always: Bool = false,
    _ make: (inout AttributeReader) throws(MaasError) -> any Operator
  ) throws(MaasError) -> any Operator {
    let isLast = try reader.int("channels_last") ?? 0 != 0 || always
    let inner = try make(&reader)
    guard isLast else { return inner }
    return inner.channelsLast ?? ChannelsLast(inner) { node throws(MaasError) in try lower(inner, &node) }
  }

  /// Lets the operator work on copies in its own order.
  private static func lower(_ inner: any Operator, _ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let first = ChannelsLast.toFirst(rank: y.rank)
    var inputs = node.inputs
    inputs[0] = try node.transposed(try node.input(0), first)
    let inside = try node.temporary(y.dtype, first.map { y.shape[$0] })
    try node.substituting(inputs, [inside], inner.lower)
    try node.emitTranspose(inside, y, ChannelsLast.toLast(rank: y.rank))
  }

  package static func maxPool(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    try wrapping(&reader, always: true) { (reader) throws(MaasError) in try Pool(.max, &reader) }
  }

  package static func qLinearConv(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    try wrapping(&reader) { (reader) throws(MaasError) in try QLinearConv(&reader) }
  }
}
