import MaasCore

/// What a model says about itself.
package struct ModelInfo: Sendable {
  package struct Opset: Sendable {
    /// "" is ai.onnx.
    package let domain: String
    package let version: Int
  }

  package let irVersion: Int
  package let producerName: String
  package let producerVersion: String
  package let domain: String
  package let modelVersion: Int
  package let docString: String
  package let graphName: String
  package let graphDocString: String
  package let opsets: [Opset]
  package private(set) var metadata: [(key: String, value: String)]
  /// What a caller feeds; initializers that older files list among the inputs are left out.
  package let inputs: [Declaration]
  package let outputs: [Declaration]
  /// The symbols that stand for dimensions to which the model gives no name.
  package let unnamedDims: Set<Name>

  /// Of a model that was made here.
  package init(
    producerName: String, opset: Int, graphName: String, metadata: [(key: String, value: String)] = []
  ) {
    (irVersion, modelVersion) = (8, 0)
    self.producerName = producerName
    (producerVersion, domain, docString, graphDocString) = ("", "", "", "")
    self.graphName = graphName
    opsets = [Opset(domain: "", version: opset)]
    self.metadata = metadata
    (inputs, outputs, unnamedDims) = ([], [], [])
  }

  /// The same with more metadata, which take the place of those with their keys.
  package init(_ info: ModelInfo, adding entries: [(key: String, value: String)]) {
    self = info
    metadata = info.metadata.filter { old in !entries.contains { $0.key == old.key } } + entries
  }

  init(_ model: ModelProto, _ graph: GraphProto, _ source: ModelSource) throws(MaasError) {
    irVersion = Int(model.irVersion ?? 0)
    producerName = source.text(model.producerName)
    producerVersion = source.text(model.producerVersion)
    domain = source.text(model.domain)
    modelVersion = Int(model.modelVersion ?? 0)
    docString = source.text(model.docString)
    graphName = source.text(graph.name)
    graphDocString = source.text(graph.docString)
    opsets = model.opsets(source)
    metadata = model.metadata.map { (source.text($0.key), source.text($0.value)) }
    var symbols = SymbolNames(model, source)
    inputs = try declarations(graph.trueInputs(source), source, &symbols)
    outputs = try declarations(graph.outputs, source, &symbols)
    unnamedDims = symbols.unnamed
  }
}

private func declarations(_ values: [ValueInfoProto], _ source: ModelSource, _ symbols: inout SymbolNames)
  throws(MaasError) -> [Declaration]
{
  var declarations: [Declaration] = []
  for value in values { declarations.append(try value.declaration(source, &symbols)) }
  return declarations
}

extension GraphProto {
  /// The inputs without the initializers, which files before IR 4 had to list too.
  func trueInputs(_ source: ModelSource) -> [ValueInfoProto] {
    let initialized = Set(initializers.map { Name(source.text($0.name)) })
    return inputs.filter { !initialized.contains(Name(source.text($0.name))) }
  }
}

extension ModelProto {
  func opsets(_ source: ModelSource) -> [ModelInfo.Opset] {
    opsetImports.map {
      .init(domain: canonical(domain: source.text($0.domain)), version: Int($0.version ?? 0))
    }
  }
}

/// The default domain has two spellings.
func canonical(domain: String) -> String { domain == "ai.onnx" ? "" : domain }
