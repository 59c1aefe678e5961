import MaasCore
import MaasGraph

/// A graph as an ONNX model. What the model says about itself is what `info` says; `own` are operators of the
/// caller's.
///
/// The graph was read with `keepsForms`, or its operators were given forms by who added them. Nodes that rewrites made
/// stand as what they replaced where ONNX has no operator for them. Functions stand where they were called.
package func exported(
  _ graph: Graph, _ info: ModelInfo, weights: WeightFile? = nil, own: OperatorRegistry? = nil
) throws(MaasError) -> ModelProto {
  let context = ExportContext(info, weights, own)
  var body = try GraphExporter(graph, context).export()
  body.docString = text(info.graphDocString)
  if context.opsets.isEmpty { _ = try context.useStandard() }
  var model = ModelProto()
  // Before version 4, initializers had to stand among the inputs.
  model.irVersion = Int64(max(info.irVersion, 4))
  model.producerName = text(info.producerName)
  model.producerVersion = text(info.producerVersion)
  model.domain = text(info.domain)
  model.modelVersion = Int64(info.modelVersion)
  model.docString = text(info.docString)
  model.graph = Box(body)
  model.metadata = info.metadata.map { entry($0.key, $0.value) }
  for (domain, version) in context.opsets.sorted(by: { $0.key < $1.key }) {
    var opset = OperatorSetIdProto()
    (opset.domain, opset.version) = (Blob(domain), Int64(version))
    model.opsetImports.append(opset)
  }
  return model
}

private func text(_ text: String) -> Blob? { text.isEmpty ? nil : Blob(text) }

/// Writes a graph into an ONNX file. Large tensors go into a file beside it, `<name>.data`, when that is asked for or
/// the model is too large for one message. Both files are written whole or not at all, the data first.
package func writeModel(_ graph: Graph, _ info: ModelInfo, to path: String, externalData: Bool)
  throws(MaasError)
{
  let weights = externalData || graph.constantBytes > largestMessage ? WeightFile(beside: path) : nil
  let model = try exported(graph, info, weights: weights)
  let message = try serialized(model)
  if let weights { try weights.contents.write(to: "\(directory(of: path))/\(weights.location)") }
  var file = FileContents()
  file.append(message)
  try file.write(to: path)
}

/// Protobuf's limit is 2 GB; some is for what is no weight.
private let largestMessage = 1_900_000_000

extension Graph {
  fileprivate var constantBytes: Int { values.reduce(0) { $0 + ($1.constant?.byteCount ?? 0) } }
}

extension WeightFile {
  fileprivate convenience init(beside path: String) {
    self.init(location: String(path.split(separator: "/").last ?? "model") + ".data")
  }
}

/// The bytes of a model that was made here.
package func serialized(_ model: ModelProto) throws(MaasError) -> TensorStorage {
  try WireWriter.write(model, source: UnsafeRawBufferPointer(start: nil, count: 0))
}
