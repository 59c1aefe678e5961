import MaasCore

/// A protobuf message: one list of its fields serves reading and writing.
///
/// Fields are optional where protobuf tells "absent" from "empty"; what maas does not know is kept as bytes.
protocol Message: Sendable {
  init()
  /// The ranges of unknown fields, tags included, in the order in which they were met.
  var unknown: [Range<Int>] { get set }
  /// Shows every field, by number, to the visitor; in the order in which they are written.
  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError)
}

/// What happens to the fields of a message: the reader fills the one whose tag it met, the writer writes all.
/// Every call tells whether it changed the field (members of a oneof then clear each other).
protocol FieldVisitor {
  @discardableResult
  mutating func integer<I: FixedWidthInteger & SignedInteger>(_ number: UInt32, _ value: inout I?)
    throws(MaasError) -> Bool
  /// A value outside `known` is an unknown field, as in every proto2 reader.
  @discardableResult
  mutating func enumeration(_ number: UInt32, _ value: inout Int32?, known: ClosedRange<Int32>)
    throws(MaasError) -> Bool
  @discardableResult
  mutating func float(_ number: UInt32, _ value: inout Float?) throws(MaasError) -> Bool
  @discardableResult
  mutating func blob(_ number: UInt32, _ value: inout Blob?) throws(MaasError) -> Bool
  @discardableResult
  mutating func blobs(_ number: UInt32, _ values: inout [Blob]) throws(MaasError) -> Bool
  @discardableResult
  mutating func integers(_ number: UInt32, _ values: inout [Int64]) throws(MaasError) -> Bool
  @discardableResult
  mutating func floats(_ number: UInt32, _ values: inout [Float]) throws(MaasError) -> Bool
  /// A list declared `packed`; read from either form.
  @discardableResult
  mutating func numbers(_ number: UInt32, _ encoding: NumberEncoding, _ values: inout NumberList)
    throws(MaasError) -> Bool
  @discardableResult
  mutating func message<M: Message>(_ number: UInt32, _ value: inout Box<M>) throws(MaasError) -> Bool
  @discardableResult
  mutating func messages<M: Message>(_ number: UInt32, _ values: inout [M]) throws(MaasError) -> Bool
}
