import MaasCore

/// What all graphs of one model share while they are imported.
final class ImportContext {
  let source: ModelSource
  let decoder: TensorDecoder
  var symbols = SymbolNames()
  /// Opset version by domain.
  private var opsets: [String: Int] = [:]
  /// The model's own functions, as `domain:name`.
  private let functions: Set<String>

  init(_ model: ModelProto, _ source: ModelSource) {
    self.source = source
    decoder = TensorDecoder(source)
    functions = Set(
      model.functions.map { key(canonical(domain: source.text($0.domain)), source.text($0.name)) })
    for opset in model.opsets(source) { opsets[opset.domain] = opset.version }
    // Files of IR 1 and 2 could not say which opset they mean.
    if opsets.isEmpty, (model.irVersion ?? 0) < 3 { opsets = ["": 1] }
  }

  func opset(of domain: String) throws(MaasError) -> Int {
    guard let opset = opsets[domain] else {
      let imported = opsets.sorted { $0.key < $1.key }.map { "\(label(domain: $0.key)) \($0.value)" }
      throw MaasError(
        .invalidModel, "the model does not import the operator's domain",
        expected: "an opset_import of \(label(domain: domain))",
        found: imported.isEmpty ? "none" : joined(imported, ", "))
    }
    if opset > 0 { return opset }
    throw MaasError(
      .invalidModel, "the opset version is impossible", expected: "1 or more", found: "\(opset)")
  }

  func refuseFunction(_ name: String, _ domain: String) throws(MaasError) {
    guard functions.contains(key(domain, name)) else { return }
    throw MaasError(
      .unsupported, "functions of the model's own are not supported",
      hint: "onnx.inliner.inline_local_functions replaces them by their nodes")
  }
}

private func key(_ domain: String, _ name: String) -> String { "\(domain):\(name)" }
