import MaasCore

// The messages of ONNX (onnx-ml.proto of libonnx 1.12, the schema of the authority we are compared with). Fields that
// later schemas added and maas does not use are unknown fields: kept, and written back.

package struct ModelProto: Message {
  package var irVersion: Int64?
  package var opsetImports: [OperatorSetIdProto] = []
  package var producerName: Blob?
  package var producerVersion: Blob?
  package var domain: Blob?
  package var modelVersion: Int64?
  package var docString: Blob?
  package var graph = Box<GraphProto>()
  package var metadata: [StringStringEntryProto] = []
  package var trainingInfo: [TrainingInfoProto] = []
  package var functions: [FunctionProto] = []
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.integer(1, &irVersion)
    try visit.blob(2, &producerName)
    try visit.blob(3, &producerVersion)
    try visit.blob(4, &domain)
    try visit.integer(5, &modelVersion)
    try visit.blob(6, &docString)
    try visit.message(7, &graph)
    try visit.messages(8, &opsetImports)
    try visit.messages(14, &metadata)
    try visit.messages(20, &trainingInfo)
    try visit.messages(25, &functions)
  }
}

package struct OperatorSetIdProto: Message {
  package var domain: Blob?
  package var version: Int64?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blob(1, &domain)
    try visit.integer(2, &version)
  }
}

package struct StringStringEntryProto: Message {
  package var key: Blob?
  package var value: Blob?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blob(1, &key)
    try visit.blob(2, &value)
  }
}

package struct FunctionProto: Message {
  package var name: Blob?
  package var inputs: [Blob] = []
  package var outputs: [Blob] = []
  package var attributes: [Blob] = []
  package var nodes: [NodeProto] = []
  package var docString: Blob?
  package var opsetImports: [OperatorSetIdProto] = []
  package var domain: Blob?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blob(1, &name)
    try visit.blobs(4, &inputs)
    try visit.blobs(5, &outputs)
    try visit.blobs(6, &attributes)
    try visit.messages(7, &nodes)
    try visit.blob(8, &docString)
    try visit.messages(9, &opsetImports)
    try visit.blob(10, &domain)
  }
}

package struct TrainingInfoProto: Message {
  package var initialization = Box<GraphProto>()
  package var algorithm = Box<GraphProto>()
  package var initializationBindings: [StringStringEntryProto] = []
  package var updateBindings: [StringStringEntryProto] = []
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.message(1, &initialization)
    try visit.message(2, &algorithm)
    try visit.messages(3, &initializationBindings)
    try visit.messages(4, &updateBindings)
  }
}
