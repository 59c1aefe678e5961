import MaasCore
import MaasGraph

/// What all graphs of one model share while they are imported.
final class ImportContext {
  let source: ModelSource
  let decoder: TensorDecoder
  /// The caller's operators.
  let own: OperatorRegistry?
  /// Whether graphs keep how their operators stand in the file.
  let keepsForms: Bool
  var symbols: SymbolNames
  /// The model's own functions.
  private let functions: [Name: FunctionProto]
  /// The model, then the functions whose bodies are being imported.
  private var scopes: [Scope]
  private var calls = 0
  /// Operators that equal nodes share.
  var shared: (operators: [any Operator], places: [[UInt8]: Int]) = ([], [:])
  private static let maximumDepth = 64
  private static let maximumCalls = 100_000

  private struct Scope {
    /// Opset version by domain.
    var opsets: [Name: Int] = [:]
    /// What attributes of the function stand for.
    var attributes: [Name: AttributeProto] = [:]
    var function: Name?
  }

  init(_ model: ModelProto, _ source: ModelSource, _ own: OperatorRegistry?, keepsForms: Bool)
    throws(MaasError)
  {
    self.source = source
    self.own = own
    self.keepsForms = keepsForms
    decoder = TensorDecoder(source)
    symbols = SymbolNames(model, source)
    var functions: [Name: FunctionProto] = [:]
    for function in model.functions { functions[try key(function, source)] = function }
    self.functions = functions
    var scope = Scope()
    for opset in model.opsets(source) { scope.opsets[opset.domain] = opset.version }
    // Files of IR 1 and 2 could not say which opset they mean.
    if scope.opsets.isEmpty, (model.irVersion ?? 0) < 3 { scope.opsets[""] = 1 }
    scopes = [scope]
  }

  func opset(of domain: String) throws(MaasError) -> Int {
    let opsets = scopes.last?.opsets ?? [:]
    // ONNX Runtime takes its own operators without that, and NNCF writes them so.
    guard let opset = opsets[domain] ?? (Name(domain) == Name("com.microsoft") ? 1 : nil) else {
      let imported = opsets.map { "\(label(domain: $0.key.text)) \($0.value)" }.sorted()
      throw MaasError(
        .invalidModel, "the model does not import the operator's domain",
        expected: "an opset_import of \(label(domain: domain))",
        found: imported.isEmpty ? "none" : joined(imported, ", "))
    }
    if opset > 0 { return opset }
    throw MaasError(
      .invalidModel, "the opset version is impossible", expected: "1 or more", found: "\(opset)")
  }

  /// The function of the model's own that the node calls.
  func function(_ node: NodeProto, _ name: String, _ domain: String) throws(MaasError) -> FunctionProto? {
    functions.isEmpty ? nil : functions[key(domain, name, try node.overload(source))]
  }

  /// Goes into the body of a function that is called with these attributes.
  func enter(_ function: FunctionProto, _ attributes: [AttributeProto]) throws(MaasError) {
    calls += 1
    let name = try key(function, source)
    if scopes.contains(where: { $0.function == name }) {
      throw MaasError(.invalidModel, "the function '\(source.text(function.name))' calls itself")
    }
    if scopes.count > Self.maximumDepth || calls > Self.maximumCalls {
      throw MaasError(
        .limitExceeded, "the model's functions call each other too often",
        expected: "at most \(Self.maximumDepth) levels and \(Self.maximumCalls) calls")
    }
    var scope = Scope(function: name)
    for opset in function.opsetImports {
      scope.opsets[canonical(domain: source.text(opset.domain))] = Int(opset.version ?? 0)
    }
    for attribute in try function.attributeDefaults(source) {
      scope.attributes[source.text(attribute.name)] = attribute
    }
    for attribute in attributes {
      scope.attributes[source.text(attribute.name)] = try resolved(attribute)
    }
    scopes.append(scope)
  }

  func leave() { scopes.removeLast() }

  /// The attribute, or the one of the function around it that it refers to; nil where that is left out.
  func resolved(_ attribute: AttributeProto) throws(MaasError) -> AttributeProto? {
    let reference = source.text(attribute.refAttrName)
    if reference.isEmpty { return attribute }
    guard let scope = scopes.last, scope.function != nil else {
      throw MaasError(
        .invalidModel,
        "attribute '\(source.text(attribute.name))' refers to an attribute of a function, but is in none")
    }
    return scope.attributes[reference]
  }
}

private func key(_ domain: String, _ name: String, _ overload: String) -> Name {
  Name("\(domain):\(name):\(overload)")
}

private func key(_ function: FunctionProto, _ source: ModelSource) throws(MaasError) -> Name {
  key(
    canonical(domain: source.text(function.domain)), source.text(function.name), try function.overload(source)
  )
}
