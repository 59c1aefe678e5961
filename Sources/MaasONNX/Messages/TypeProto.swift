import MaasCore

package struct ValueInfoProto: Message {
  package var name: Blob?
  package var type = Box<TypeProto>()
  package var docString: Blob?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blob(1, &name)
    try visit.message(2, &type)
    try visit.blob(3, &docString)
  }
}

package struct TypeProto: Message {
  /// At most one of these is set.
  package struct Kinds: Sendable {
    package var tensor = Box<TensorTypeProto>()
    package var sequence = Box<SequenceTypeProto>()
    package var map = Box<MapTypeProto>()
    package var opaque = Box<OpaqueTypeProto>()
    package var sparseTensor = Box<TensorTypeProto>()
    package var optional = Box<SequenceTypeProto>()
  }

  package var kinds = Kinds()
  package var denotation: Blob?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    if try visit.message(1, &kinds.tensor) { keep { $0.tensor = $1.tensor } }
    if try visit.message(4, &kinds.sequence) { keep { $0.sequence = $1.sequence } }
    if try visit.message(5, &kinds.map) { keep { $0.map = $1.map } }
    try visit.blob(6, &denotation)
    if try visit.message(7, &kinds.opaque) { keep { $0.opaque = $1.opaque } }
    if try visit.message(8, &kinds.sparseTensor) { keep { $0.sparseTensor = $1.sparseTensor } }
    if try visit.message(9, &kinds.optional) { keep { $0.optional = $1.optional } }
  }

  /// Clears all members of the oneof but the one that `copy` copies.
  private mutating func keep(_ copy: (inout Kinds, Kinds) -> Void) {
    var kept = Kinds()
    copy(&kept, kinds)
    kinds = kept
  }
}

/// The type of a dense or a sparse tensor.
package struct TensorTypeProto: Message {
  package var elemType: Int32?
  package var shape = Box<TensorShapeProto>()
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.integer(1, &elemType)
    try visit.message(2, &shape)
  }
}

/// The type of a sequence or an optional: that of what is inside.
package struct SequenceTypeProto: Message {
  package var elemType = Box<TypeProto>()
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.message(1, &elemType)
  }
}

package struct MapTypeProto: Message {
  package var keyType: Int32?
  package var valueType = Box<TypeProto>()
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.integer(1, &keyType)
    try visit.message(2, &valueType)
  }
}

package struct OpaqueTypeProto: Message {
  package var domain: Blob?
  package var name: Blob?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blob(1, &domain)
    try visit.blob(2, &name)
  }
}

package struct TensorShapeProto: Message {
  package var dims: [DimensionProto] = []
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.messages(1, &dims)
  }
}

package struct DimensionProto: Message {
  /// At most one of value and param is set.
  package var value: Int64?
  package var param: Blob?
  package var denotation: Blob?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    if try visit.integer(1, &value) { param = nil }
    if try visit.blob(2, &param) { value = nil }
    try visit.blob(3, &denotation)
  }
}
