import MaasCore

/// A value in JSON, and its text.
package indirect enum JSON {
  case null
  case bool(Bool)
  case int(Int)
  case real(Double)
  case string(String)
  case array([JSON])
  /// In this order.
  case object([(String, JSON)])

  /// The whole on one line. Safe inside an HTML script element too: `<` is escaped.
  package var text: String {
    var text = ""
    write(to: &text)
    return text
  }

  private func write(to text: inout String) {
    switch self {
    case .null: text += "null"
    case .bool(let value): text += value ? "true" : "false"
    case .int(let value): text += "\(value)"
    case .real(let value): text += value.isFinite ? "\(value)" : "\"\(value)\""
    case .string(let value): text += quoted(value)
    case .array(let items):
      text += "["
      for (i, item) in items.enumerated() {
        if i > 0 { text += ", " }
        item.write(to: &text)
      }
      text += "]"
    case .object(let members):
      text += "{"
      for (i, member) in members.enumerated() {
        text += i > 0 ? ", \(quoted(member.0)): " : "\(quoted(member.0)): "
        member.1.write(to: &text)
      }
      text += "}"
    }
  }

  /// One line for each element of the lists that the outermost object has.
  package var lines: String {
    guard case .object(let members) = self else { return text }
    let parts = members.map { name, value in
      guard case .array(let items) = value, !items.isEmpty else { return "  \(quoted(name)): \(value.text)" }
      return "  \(quoted(name)): [\n" + items.map { "    \($0.text)" }.joined(separator: ",\n") + "\n  ]"
    }
    return "{\n" + parts.joined(separator: ",\n") + "\n}"
  }
}
