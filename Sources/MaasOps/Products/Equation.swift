import MaasCore
import MaasGraph

/// An equation of Einsum for operands of known rank: a label for each dimension of each operand and of the result.
struct Equation {
  /// The letters' codes; negative for the dimensions that an ellipsis stands for, counted from the last.
  typealias Label = Int

  let operands: [[Label]]
  let result: [Label]

  /// The terms of the text, and what follows the arrow; nil without one.
  static func parsed(_ text: String) throws(MaasError) -> (terms: [[UInt8]], result: [UInt8]?) {
    let bytes = text.utf8.filter { $0 != UInt8(ascii: " ") }
    var (sides, i): ([[UInt8]], Int) = ([[]], 0)
    while i < bytes.count {
      if bytes[i...].starts(with: "->".utf8) {
        sides.append([])
        i += 2
      } else if bytes[i...].starts(with: "...".utf8) {
        sides[sides.count - 1].append(ellipsis)
        i += 3
      } else if isLetter(bytes[i]) || (bytes[i] == comma && sides.count == 1) {
        sides[sides.count - 1].append(bytes[i])
        i += 1
      } else {
        throw malformed(text)
      }
    }
    let terms = sides[0].split(separator: comma, omittingEmptySubsequences: false).map { Array($0) }
    guard sides.count <= 2, (terms + sides.dropFirst()).allSatisfy({ isOnce(ellipsis, in: $0) }) else {
      throw malformed(text)
    }
    return (terms, sides[at: 1])
  }

  private static func malformed(_ text: String) -> MaasError {
    MaasError(
      .invalidModel, "attribute 'equation' cannot be read", expected: "terms as in 'bij,bjk->bik'",
      found: text)
  }

  private static let ellipsis = UInt8(ascii: ".")
  private static let comma = UInt8(ascii: ",")

  private static func isLetter(_ byte: UInt8) -> Bool {
    (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122)
  }

  private static func isOnce(_ byte: UInt8, in term: [UInt8]) -> Bool {
    term.filter { $0 == byte }.count <= 1
  }

  init(_ terms: [[UInt8]], _ result: [UInt8]?, ranks: [Int]) throws(MaasError) {
    guard terms.count == ranks.count else {
      throw MaasError(
        .invalidModel, "the equation has another number of terms than there are inputs",
        expected: "\(ranks.count)", found: "\(terms.count)")
    }
    var operands: [[Label]] = []
    var widest = 0
    for (i, term) in terms.enumerated() {
      let hidden = term.contains(Self.ellipsis) ? ranks[i] - (term.count - 1) : 0
      operands.append(Self.labels(term, hidden: hidden))
      guard hidden >= 0, operands[i].count == ranks[i] else {
        throw MaasError(
          .shapeMismatch, "a term of the equation does not fit the rank of input \(i)",
          expected: "\(term.count) labels", found: "\(ranks[i]) dimensions")
      }
      widest = max(widest, hidden)
    }
    self.operands = operands
    self.result = result.map { Self.labels($0, hidden: widest) } ?? Self.implicitResult(operands, widest)
    try check()
  }

  private static func labels(_ term: [UInt8], hidden: Int) -> [Label] {
    term.flatMap { $0 == ellipsis ? (0..<max(0, hidden)).map { $0 - hidden } : [Label($0)] }
  }

  /// What the ellipses stand for, then the letters that occur once, in order.
  private static func implicitResult(_ operands: [[Label]], _ hidden: Int) -> [Label] {
    let all = operands.flatMap { $0 }
    return (0..<hidden).map { $0 - hidden }
      + all.filter { l in l > 0 && all.filter { $0 == l }.count == 1 }.sorted()
  }

  private func check() throws(MaasError) {
    for (i, label) in result.enumerated() {
      guard operands.contains(where: { $0.contains(label) }), !result[..<i].contains(label) else {
        throw MaasError(
          .invalidModel, "the result of the equation has a label that no input has, or one twice",
          found: label > 0 ? String(decoding: [UInt8(truncatingIfNeeded: label)], as: UTF8.self) : "...")
      }
    }
  }

  /// The size of each label's dimension; of 1 and another number the other. `sizes` are the operands' shapes.
  func dims(_ shapes: [[Dim]]) throws(MaasError) -> [Label: Dim] {
    var dims: [Label: Dim] = [:]
    for (labels, shape) in zip(operands, shapes) {
      for (label, dim) in zip(labels, shape) {
        dims[label] =
          try dims[label].map { known throws(MaasError) in try broadcast([known], [dim])[0] } ?? dim
      }
    }
    return dims
  }
}
