import MaasCore

package struct TensorProto: Message {
  package var dims: [Int64] = []
  /// ONNX's `TensorProto.DataType`; the values maas knows are `DType`'s.
  package var dataType: Int32?
  package var segment = Box<SegmentProto>()
  package var floatData = NumberList()
  package var int32Data = NumberList()
  package var stringData: [Blob] = []
  package var int64Data = NumberList()
  package var name: Blob?
  package var docString: Blob?
  package var rawData: Blob?
  package var externalData: [StringStringEntryProto] = []
  /// 0: in this message; 1: in a file of its own.
  package var dataLocation: Int32?
  package var doubleData = NumberList()
  package var uint64Data = NumberList()
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.integers(1, &dims)
    try visit.integer(2, &dataType)
    try visit.message(3, &segment)
    try visit.numbers(4, .fixed32, &floatData)
    try visit.numbers(5, .varint, &int32Data)
    try visit.blobs(6, &stringData)
    try visit.numbers(7, .varint, &int64Data)
    try visit.blob(8, &name)
    try visit.blob(9, &rawData)
    try visit.numbers(10, .fixed64, &doubleData)
    try visit.numbers(11, .varint, &uint64Data)
    try visit.blob(12, &docString)
    try visit.messages(13, &externalData)
    try visit.enumeration(14, &dataLocation, known: 0...1)
  }
}

/// A part of a tensor that is stored in several messages; maas refuses those.
package struct SegmentProto: Message {
  package var begin: Int64?
  package var end: Int64?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.integer(1, &begin)
    try visit.integer(2, &end)
  }
}

package struct SparseTensorProto: Message {
  package var values = Box<TensorProto>()
  package var indices = Box<TensorProto>()
  package var dims: [Int64] = []
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.message(1, &values)
    try visit.message(2, &indices)
    try visit.integers(3, &dims)
  }
}
