import MaasCore
import MaasGraph

/// The strings that are no stop words, in lower or upper case or as they are; one empty string if none is left.
package final class StringNormalizer: ReadableOperator, HostOperator {
  package let name = "StringNormalizer"
  private let change: CaseChange
  /// How strings are changed before they are looked up among the stop words.
  private let comparison: CaseChange
  private let stopWords: KeyTable

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let action = try reader.choice("case_change_action", ["NONE", "LOWER", "UPPER"])
    let isSensitive = try reader.int("is_case_sensitive") ?? 0 != 0
    let isTurkic = CaseChange.isTurkic(Array((try reader.string("locale") ?? "").utf8))
    change = CaseChange(action: action, isTurkic: isTurkic)
    comparison = CaseChange(action: isSensitive ? 0 : max(1, action), isTurkic: isTurkic)
    let words = try reader.strings("stopwords") ?? []
    stopWords = try KeyTable(try comparison.apply(try Tensor([words.count], strings: words)))
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.string])
    guard let shape = try node.shape(0) else { return node.setOutput(0, .string, nil) }
    guard shape.count == 1 || shape.count == 2, shape.count == 1 || shape[0].value ?? 1 == 1 else {
      throw MaasError(
        .shapeMismatch, "input 0 must be one list of strings", expected: "[C] or [1, C]",
        found: Shape(shape).text)
    }
    node.setOutput(0, .string, shape.dropLast().map { _ in .known(1) } + [node.unknownDim()])
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    guard x.shape.dropLast().allSatisfy({ $0 == 1 }) else {
      throw MaasError(
        .shapeMismatch, "input 0 must be one list of strings", expected: "[C] or [1, C]",
        found: describe(x.shape))
    }
    let places = stopWords.places(try comparison.apply(x))
    let kept = places.indices.filter { places[$0] < 0 }
    let shape = Array(x.shape.dropLast()) + [max(1, kept.count)]
    if kept.isEmpty { return [.tensor(try Tensor(shape, strings: [""]))] }
    let elements = x.stringElements
    return [.tensor(try change.apply(try Tensor(shape, copying: kept.map { elements[$0] })))]
  }
}

/// Unicode's full case mappings, scalar by scalar. In Turkish and Azerbaijani, i and I have dotless and dotted partners of their own.
private struct CaseChange: Sendable {
  /// 0: none, 1: to lower, 2: to upper case.
  let action: Int
  let isTurkic: Bool

  /// Whether the locale's language, as in `tr_TR.UTF-8`, is one of these.
  static func isTurkic(_ locale: [UInt8]) -> Bool {
    guard locale.count >= 2, locale.count == 2 || locale[2] < 97 else { return false }
    return (locale[0] == 116 && locale[1] == 114) || (locale[0] == 97 && locale[1] == 122)
  }

  func apply(_ x: Tensor) throws(MaasError) -> Tensor {
    action == 0 ? x : try Tensor(x.shape, strings: x.strings.map { apply($0) })
  }

  private func apply(_ text: String) -> String {
    if action == 1 { return (isTurkic ? text.replacing("I", "ı", "İ", "i") : text).lowercased() }
    return (isTurkic ? text.replacing("ı", "I", "i", "İ") : text).uppercased()
  }
}

extension String {
  fileprivate func replacing(
    _ a: Unicode.Scalar, _ x: Unicode.Scalar, _ b: Unicode.Scalar, _ y: Unicode.Scalar
  ) -> String {
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars { result.append(scalar == a ? x : scalar == b ? y : scalar) }
    return String(result)
  }
}
