import MaasCore

@testable import MaasONNX

// Models made of messages, for tests that need a particular one.

func node(_ type: String, _ inputs: [String], _ outputs: [String], name: String = "") -> NodeProto {
  var node = NodeProto()
  node.opType = Blob(type)
  node.inputs = inputs.map { Blob($0) }
  node.outputs = outputs.map { Blob($0) }
  if !name.isEmpty { node.name = Blob(name) }
  return node
}

func value(_ name: String, _ dtype: DType? = .float, _ dims: [DimensionProto]? = []) -> ValueInfoProto {
  var type = TensorTypeProto()
  type.elemType = dtype?.rawValue
  if let dims {
    var shape = TensorShapeProto()
    shape.dims = dims
    type.shape = Box(shape)
  }
  var info = ValueInfoProto()
  info.name = Blob(name)
  info.type = Box(TypeProto(tensor: type))
  return info
}

extension TypeProto {
  init(tensor: TensorTypeProto) {
    self.init()
    kinds.tensor = Box(tensor)
  }
}

extension DimensionProto: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
  public init(integerLiteral value: Int64) {
    self.init()
    self.value = value
  }

  public init(stringLiteral param: String) {
    self.init()
    self.param = Blob(param)
  }
}

func tensor(_ name: String, _ dtype: DType, _ dims: [Int64], raw: [UInt8]?) -> TensorProto {
  var tensor = TensorProto()
  tensor.name = Blob(name)
  tensor.dataType = dtype.rawValue
  tensor.dims = dims
  tensor.rawData = raw.map { .made($0) }
  return tensor
}

func graph(_ nodes: [NodeProto], inputs: [ValueInfoProto] = [], outputs: [String]) -> GraphProto {
  var graph = GraphProto()
  graph.name = Blob("test")
  graph.nodes = nodes
  graph.inputs = inputs
  graph.outputs = outputs.map { value($0) }
  return graph
}

func model(_ graph: GraphProto, opset: Int64 = 17, irVersion: Int64 = 8) -> ModelProto {
  var opsetImport = OperatorSetIdProto()
  opsetImport.version = opset
  var model = ModelProto()
  model.irVersion = irVersion
  model.opsetImports = [opsetImport]
  model.graph = Box(graph)
  return model
}

/// The message as the writer writes it.
func bytes(_ model: ModelProto) throws -> [UInt8] {
  let storage = try WireWriter.write(model, source: UnsafeRawBufferPointer(start: nil, count: 0))
  return [UInt8](UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount))
}

/// What a caller gets of a model: written, then opened from memory.
func opened(_ model: ModelProto, folder: String? = nil) throws -> ONNXModel {
  try bytes(model).withUnsafeBytes { try ONNXModel(copying: $0, folder: folder) }
}

extension Tensor {
  var byteArray: [UInt8] { [UInt8](UnsafeRawBufferPointer(start: bytes, count: byteCount)) }
}
