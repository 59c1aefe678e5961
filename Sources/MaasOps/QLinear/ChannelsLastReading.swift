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
    return isLast ? ChannelsLast(inner) : inner
  }

  package static func maxPool(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    try wrapping(&reader, always: true) { (reader) throws(MaasError) in try Pool(.max, &reader) }
  }

  package static func qLinearConv(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    try wrapping(&reader) { (reader) throws(MaasError) in try QLinearConv(&reader) }
  }
}
