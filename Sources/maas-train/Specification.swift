import MaasCommand
import MaasCore
import Yams

/// A network in a file: its layers, without input, and options of training.
///
/// A file of layers has one a line, as `Network` reads them. YAML has the same in a list, and options by their names:
///
///     layers:
///       - dense 128 activation=relu
///       - dropout: 0.1
///       - conv: {filters: 16, kernel: 3, padding: same, activation: relu}
///     options:
///       learning_rate: 0.01
struct Specification {
  /// One layer each. What is missing is the first and, unless it says `outputs`, the last.
  let layers: [String]
  let options: [(name: String, value: String)]

  init(_ path: String) throws(MaasError) {
    let file = try MappedFile(path)
    guard let text = String(utf8: file.bytes) else {
      throw MaasError(.invalidArgument, "the file is no text", expected: "UTF-8").inFile(path)
    }
    do {
      (layers, options) =
        path.hasSuffix(".yaml") || path.hasSuffix(".yml") ? try Self.yaml(text) : (Self.lines(text), [])
    } catch {
      throw error.inFile(path)
    }
  }

  var readsSequences: Bool {
    layers.contains { layer in
      ["embedding", "lstm", "gru", "transformer", "positional", "attention"].contains(name(layer))
    }
  }

  private func name(_ layer: String) -> String { layer.split(separator: " ").first.map(String.init) ?? "" }

  private static func lines(_ text: String) -> [String] {
    text.split(whereSeparator: \.isNewline).map(String.init).filter {
      !$0.hasPrefix("#") && !$0.allSatisfy(\.isWhitespace)
    }
  }

  private static func yaml(_ text: String) throws(MaasError) -> ([String], [(name: String, value: String)]) {
    let root = try parsed(text)
    guard let mapping = root?.mapping else {
      throw refusal("the file has no layers", "a list under 'layers'", root)
    }
    for (key, _) in mapping where !["layers", "options"].contains(key.string ?? "") {
      throw refusal("a key is not known", "'layers' or 'options'", key)
    }
    guard let list = mapping["layers"]?.sequence else {
      throw refusal("the file has no layers", "a list under 'layers'", mapping["layers"] ?? root)
    }
    let layers = try list.map { (node) throws(MaasError) in try layer(node) }
    var options: [(name: String, value: String)] = []
    for (key, value) in mapping["options"]?.mapping ?? [:] {
      guard let name = key.string, let value = value.scalar?.string else {
        throw refusal("an option has no simple value", "name: value", key)
      }
      options.append((name, value))
    }
    return (layers, options)
  }

  private static func parsed(_ text: String) throws(MaasError) -> Node? {
    do {
      return try compose(yaml: text)
    } catch {
      throw MaasError(
        .invalidArgument, "the YAML cannot be read", found: lines("\(error)").joined(separator: " "))
    }
  }

  /// `dense 64`, `{dense: 64}` or `{dense: {units: 64, activation: relu}}`
  private static func layer(_ node: Node) throws(MaasError) -> String {
    if let text = node.scalar?.string { return text }
    guard let mapping = node.mapping, mapping.count == 1, let (key, value) = mapping.first,
      let name = key.string
    else { throw refusal("a layer has another form", "dense 64, or dense: {units: 64}", node) }
    if let text = value.scalar?.string { return value.null == nil ? "\(name) \(text)" : name }
    guard let options = value.mapping else {
      throw refusal("a layer has another form", "\(name): {option: value}", value)
    }
    var words = [name]
    for (key, value) in options {
      let text =
        value.scalar?.string ?? value.sequence?.compactMap { $0.scalar?.string }.joined(separator: "x")
      guard let option = key.string, let text else {
        throw refusal("an option has no simple value", "option: value", key)
      }
      words.append("\(option)=\(text)")
    }
    return words.joined(separator: " ")
  }

  private static func refusal(_ problem: String, _ expected: String, _ node: Node?) -> MaasError {
    let place = node?.mark.map { "line \($0.line): " } ?? ""
    return MaasError(.invalidArgument, place + problem, expected: expected)
  }
}
