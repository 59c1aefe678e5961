import MaasCore

package struct GraphProto: Message {
  package var nodes: [NodeProto] = []
  package var name: Blob?
  package var initializers: [TensorProto] = []
  package var sparseInitializers: [SparseTensorProto] = []
  package var docString: Blob?
  package var inputs: [ValueInfoProto] = []
  package var outputs: [ValueInfoProto] = []
  package var valueInfos: [ValueInfoProto] = []
  package var quantizationAnnotations: [TensorAnnotation] = []
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.messages(1, &nodes)
    try visit.blob(2, &name)
    try visit.messages(5, &initializers)
    try visit.blob(10, &docString)
    try visit.messages(11, &inputs)
    try visit.messages(12, &outputs)
    try visit.messages(13, &valueInfos)
    try visit.messages(14, &quantizationAnnotations)
    try visit.messages(15, &sparseInitializers)
  }
}

package struct NodeProto: Message {
  package var inputs: [Blob] = []
  package var outputs: [Blob] = []
  package var name: Blob?
  package var opType: Blob?
  package var domain: Blob?
  package var attributes: [AttributeProto] = []
  package var docString: Blob?
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blobs(1, &inputs)
    try visit.blobs(2, &outputs)
    try visit.blob(3, &name)
    try visit.blob(4, &opType)
    try visit.messages(5, &attributes)
    try visit.blob(6, &docString)
    try visit.blob(7, &domain)
  }
}

package struct AttributeProto: Message {
  /// ONNX's `AttributeProto.AttributeType`.
  package enum Kind: Int32, Sendable {
    case undefined = 0
    case float = 1
    case int = 2
    case string = 3
    case tensor = 4
    case graph = 5
    case floats = 6
    case ints = 7
    case strings = 8
    case tensors = 9
    case graphs = 10
    case sparseTensor = 11
    case sparseTensors = 12
    case type = 13
    case types = 14
  }

  package var name: Blob?
  package var refAttrName: Blob?
  package var docString: Blob?
  /// A raw value of `Kind`.
  package var kind: Int32?
  package var float: Float?
  package var int: Int64?
  package var string: Blob?
  package var tensor = Box<TensorProto>()
  package var graph = Box<GraphProto>()
  package var sparseTensor = Box<SparseTensorProto>()
  package var type = Box<TypeProto>()
  package var floats: [Float] = []
  package var ints: [Int64] = []
  package var strings: [Blob] = []
  package var tensors: [TensorProto] = []
  package var graphs: [GraphProto] = []
  package var sparseTensors: [SparseTensorProto] = []
  package var types: [TypeProto] = []
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blob(1, &name)
    try visit.float(2, &float)
    try visit.integer(3, &int)
    try visit.blob(4, &string)
    try visit.message(5, &tensor)
    try visit.message(6, &graph)
    try visit.floats(7, &floats)
    try visit.integers(8, &ints)
    try visit.blobs(9, &strings)
    try visit.messages(10, &tensors)
    try visit.messages(11, &graphs)
    try visit.blob(13, &docString)
    try visit.message(14, &type)
    try visit.messages(15, &types)
    try visit.enumeration(20, &kind, known: Kind.undefined.rawValue...Kind.types.rawValue)
    try visit.blob(21, &refAttrName)
    try visit.message(22, &sparseTensor)
    try visit.messages(23, &sparseTensors)
  }
}

package struct TensorAnnotation: Message {
  package var tensorName: Blob?
  package var quantParameterTensorNames: [StringStringEntryProto] = []
  package var unknown: [Range<Int>] = []

  package init() {}

  mutating func fields<V: FieldVisitor>(_ visit: inout V) throws(MaasError) {
    try visit.blob(1, &tensorName)
    try visit.messages(2, &quantParameterTensorNames)
  }
}
