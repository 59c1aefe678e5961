import Maas
import MaasNumPy

/// The names of a classifier's classes as models carry them in their metadata, or nothing.
///
/// There is no standard; these keys and forms are in use: a list or dictionary in Python's or JSON's syntax, or names
/// separated by commas or line ends.
func classNames(_ metadata: ModelMetadata) -> [String] {
  let keys = ["names", "classes", "labels", "class_names"]
  for key in keys {
    if let text = metadata.properties.first(where: { $0.key == key })?.value { return classNames(text) }
  }
  return []
}

func classNames(_ text: String) -> [String] {
  if let literal = try? PythonLiteral.parse(text.utf8) {
    switch literal {
    case .list(let items), .tuple(let items): return items.compactMap(label)
    case .dictionary(let entries): return labels(entries)
    default: break
    }
  }
  let hasLines = text.contains { $0.isNewline }
  return text.split { hasLines ? $0.isNewline : $0 == "," }.map { $0.trimmed }
}

private func label(_ literal: PythonLiteral) -> String? {
  switch literal {
  case .string(let text): text
  case .integer(let number): "\(number)"
  default: nil
  }
}

/// The values in the order of their keys 0, 1, 2 …, which JSON writes as strings.
private func labels(_ entries: [PythonLiteral.Entry]) -> [String] {
  let numbered = entries.compactMap { entry -> (Int, String)? in
    guard let key = label(entry.key).flatMap({ Int($0) }), let name = label(entry.value) else { return nil }
    return (key, name)
  }.sorted { $0.0 < $1.0 }
  return numbered.enumerated().allSatisfy { $0.offset == $0.element.0 } ? numbered.map { $0.1 } : []
}

extension Substring {
  fileprivate var trimmed: String {
    var text = self
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
