import CMaas
import Maas
import MaasCore

/// What a `maas_model` is: a model, and what it says where C can read it.
final class ModelHandle {
  let model: Model
  fileprivate let inputs: [ValueInfoHandle]
  fileprivate let outputs: [ValueInfoHandle]
  /// By `maas_model_field`.
  fileprivate let texts: [Text]
  fileprivate let opsetDomains: [Text]
  fileprivate let properties: [(key: Text, value: Text)]

  init(_ model: Model) {
    self.model = model
    let metadata = model.metadata
    inputs = model.inputs.map { ValueInfoHandle($0, unnamed: model.unnamedDims) }
    outputs = model.outputs.map { ValueInfoHandle($0, unnamed: model.unnamedDims) }
    let fields = [
      metadata.producerName, metadata.producerVersion, metadata.domain, metadata.description,
      metadata.graphName, metadata.graphDescription,
    ]
    texts = fields.map { Text($0) }
    opsetDomains = metadata.opsets.map { Text($0.domain) }
    properties = metadata.properties.map { (Text($0.key), Text($0.value)) }
  }
}

/// Bytes of a model in the caller's memory. They stay the caller's until all that the call makes is made.
final class ModelBytes {
  private let bytes: UnsafeRawBufferPointer
  private let loan: Loan

  init(
    _ bytes: UnsafeRawPointer?, _ size: Int, _ release: maas_release?, _ context: UnsafeMutableRawPointer?
  ) throws(MaasError) {
    guard size >= 0 else {
      throw MaasError(
        .invalidArgument, "the size is more than any memory has", found: "\(UInt(bitPattern: size))")
    }
    let base = size == 0 ? bytes : try required(bytes, "bytes")
    self.bytes = UnsafeRawBufferPointer(start: base, count: base == nil ? 0 : size)
    loan = Loan { release?(context) }
  }

  /// What `make` makes of the model in these bytes, which are maas's from then on.
  func open<R>(_ options: ModelOptions, _ make: (Model) throws(MaasError) -> R) throws(MaasError) -> R {
    let result = try make(noted(try model(options)))
    if options.copy { loan.end() }
    loan.begin()
    return result
  }

  private func model(_ options: ModelOptions) throws(MaasError) -> Model {
    if options.copy { return try Model(copying: bytes, options: options) }
    return try Model(borrowing: bytes, options: options, release: loan.end)
  }
}

func openModel(_ path: UnsafePointer<CChar>?, _ options: SessionOptions) throws(MaasError) -> Model {
  noted(try Model(path: try string(path, "path"), options: options.model))
}

private func noted(_ model: Model) -> Model {
  log(MAAS_LOG_INFO) {
    "model loaded: \(model.path ?? "from memory"), \(model.inputs.count) inputs, \(model.outputs.count) outputs"
  }
  return model
}

@c @implementation
package func maas_model_open(
  _ path: UnsafePointer<CChar>?, _ options: OpaquePointer?, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(model, "model")
    result.pointee = handle(ModelHandle(try openModel(path, sessionOptions(options))))
  }
}

@c @implementation
package func maas_model_open_memory(
  _ bytes: UnsafeRawPointer?, _ size: Int, _ options: OpaquePointer?, _ release: maas_release?,
  _ context: UnsafeMutableRawPointer?, _ model: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  withStatus { () throws(MaasError) in
    let result = try required(model, "model")
    let bytes = try ModelBytes(bytes, size, release, context)
    result.pointee = try bytes.open(sessionOptions(options).model) { handle(ModelHandle($0)) }
  }
}

@c @implementation
package func maas_model_close(_ model: OpaquePointer?) -> maas_status {
  close(ModelHandle.self, model)
}

// Inputs and outputs.

/// Runs `body` with the model behind a handle.
private func read(_ handle: OpaquePointer?, _ body: (ModelHandle) throws(MaasError) -> Void) -> maas_status {
  withStatus { () throws(MaasError) in try body(object(ModelHandle.self, handle, "model")) }
}

@c @implementation
package func maas_model_input_count(_ model: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?)
  -> maas_status
{
  read(model) { (model) throws(MaasError) in try required(count, "count").pointee = model.inputs.count }
}

@c @implementation
package func maas_model_output_count(_ model: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?)
  -> maas_status
{
  read(model) { (model) throws(MaasError) in try required(count, "count").pointee = model.outputs.count }
}

@c @implementation
package func maas_model_input(
  _ model: OpaquePointer?, _ index: Int, _ value: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  read(model) { (model) throws(MaasError) in
    try required(value, "value").pointee = lent(try element(model.inputs, index, "input"))
  }
}

@c @implementation
package func maas_model_output(
  _ model: OpaquePointer?, _ index: Int, _ value: UnsafeMutablePointer<OpaquePointer?>?
) -> maas_status {
  read(model) { (model) throws(MaasError) in
    try required(value, "value").pointee = lent(try element(model.outputs, index, "output"))
  }
}

@c @implementation
package func maas_model_input_index(
  _ model: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ index: UnsafeMutablePointer<Int>?
) -> maas_status {
  read(model) { (model) throws(MaasError) in
    try required(index, "index").pointee = try model.model.index(ofInput: string(name, "name"))
  }
}

@c @implementation
package func maas_model_output_index(
  _ model: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ index: UnsafeMutablePointer<Int>?
) -> maas_status {
  read(model) { (model) throws(MaasError) in
    try required(index, "index").pointee = try model.model.index(ofOutput: string(name, "name"))
  }
}

// Metadata.

@c @implementation
package func maas_model_text(
  _ model: OpaquePointer?, _ field: maas_model_field, _ text: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> maas_status {
  read(model) { (model) throws(MaasError) in
    let field = try element(model.texts, Int(field.rawValue), "field")
    try required(text, "text").pointee = field.pointer
  }
}

@c @implementation
package func maas_model_version(_ model: OpaquePointer?, _ version: UnsafeMutablePointer<Int64>?)
  -> maas_status
{
  read(model) { (model) throws(MaasError) in
    try required(version, "version").pointee = Int64(model.model.metadata.modelVersion)
  }
}

@c @implementation
package func maas_model_ir_version(_ model: OpaquePointer?, _ version: UnsafeMutablePointer<Int64>?)
  -> maas_status
{
  read(model) { (model) throws(MaasError) in
    try required(version, "version").pointee = Int64(model.model.metadata.irVersion)
  }
}

@c @implementation
package func maas_model_opset_count(_ model: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?)
  -> maas_status
{
  read(model) { (model) throws(MaasError) in
    try required(count, "count").pointee = model.opsetDomains.count
  }
}

@c @implementation
package func maas_model_opset(
  _ model: OpaquePointer?, _ index: Int, _ domain: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ version: UnsafeMutablePointer<Int64>?
) -> maas_status {
  read(model) { (model) throws(MaasError) in
    let opset = try element(model.model.metadata.opsets, index, "operator set")
    domain?.pointee = try element(model.opsetDomains, index, "operator set").pointer
    version?.pointee = Int64(opset.version)
  }
}

@c @implementation
package func maas_model_metadata_count(_ model: OpaquePointer?, _ count: UnsafeMutablePointer<Int>?)
  -> maas_status
{
  read(model) { (model) throws(MaasError) in
    try required(count, "count").pointee = model.properties.count
  }
}

@c @implementation
package func maas_model_metadata(
  _ model: OpaquePointer?, _ index: Int, _ key: UnsafeMutablePointer<UnsafePointer<CChar>?>?,
  _ value: UnsafeMutablePointer<UnsafePointer<CChar>?>?
) -> maas_status {
  read(model) { (model) throws(MaasError) in
    let property = try element(model.properties, index, "metadata entry")
    key?.pointee = property.key.pointer
    value?.pointee = property.value.pointer
  }
}
