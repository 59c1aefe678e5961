import MaasCore
import MaasGraph

/// An ONNX model as it stands in its file: parsed, its weights untouched.
package struct ONNXModel: Sendable {
  package let source: ModelSource
  package let proto: ModelProto
  /// What a compiled model has besides.
  package let compiled: CompiledModel?

  /// Opens a file. It is mapped, and must stay as it is while the model is used, unless `copy` asks to read it whole.
  package init(path: String, copy: Bool = false) throws(MaasError) {
    do {
      try self.init(ModelSource(path: path, copy: copy))
    } catch {
      throw error.inFile(path)
    }
  }

  /// Reads a model from memory, which is kept until the last tensor over it is gone. `folder` is where external data
  /// may be, `embedded` the weights that its initializers find at `CompiledModel.dataLocation`.
  package init(storage: TensorStorage, folder: String? = nil, embedded: TensorStorage? = nil)
    throws(MaasError)
  {
    try self.init(ModelSource(storage: storage, folder: folder, embedded: embedded))
  }

  /// Reads a model from memory that belongs to the caller and is copied.
  package init(copying bytes: UnsafeRawBufferPointer, folder: String? = nil) throws(MaasError) {
    let storage = try TensorStorage.allocateLasting(bytes.count)
    UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyMemory(from: bytes)
    try self.init(storage: storage, folder: folder)
  }

  private init(_ source: ModelSource) throws(MaasError) {
    guard source.bytes.count > 0 else {
      throw MaasError(.invalidModel, "the file is empty", expected: "an ONNX model")
    }
    if CompiledModel.isOne(source.bytes) {
      let compiled = try CompiledModel(source)
      (self.compiled, proto) = (compiled, compiled.model)
      self.source = ModelSource(source, embedded: compiled.data)
    } else {
      proto = try WireReader.read(ModelProto.self, from: source.bytes)
      (self.source, compiled) = (source, nil)
    }
    guard proto.graph.value != nil else {
      throw MaasError(.invalidModel, "the file has no graph", hint: "is it an ONNX model?")
    }
  }

  package func info() throws(MaasError) -> ModelInfo {
    try placed { () throws(MaasError) in try ModelInfo(proto, proto.graph.value ?? GraphProto(), source) }
  }

  /// Builds the graph: initializers and Constant nodes become constants, nodes get an order, bodies their captures.
  /// `own` are operators of the caller's. With `keepsForms` the graph can be written again.
  package func graph(own: OperatorRegistry? = nil, keepsForms: Bool = false) throws(MaasError) -> Graph {
    try placed { () throws(MaasError) in
      let context = try ImportContext(proto, source, own, keepsForms: keepsForms)
      return try GraphImporter(proto.graph.value ?? GraphProto(), context).importGraph()
    }
  }

  /// The model as a file holds it: its fields in their order, unknown ones and weights as they were read.
  package func serialized() throws(MaasError) -> TensorStorage {
    try WireWriter.write(proto, source: source.bytes)
  }

  /// Names the file in errors, if there is one.
  private func placed<R>(_ body: () throws(MaasError) -> R) throws(MaasError) -> R {
    do {
      return try body()
    } catch {
      guard let path = source.path else { throw error }
      throw error.inFile(path)
    }
  }
}
