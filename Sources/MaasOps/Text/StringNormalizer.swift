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
    let compared = try comparison.apply(x)
    let places = stopWords.places(compared)
    let kept = places.indices.filter { places[$0] < 0 }
    let shape = Array(x.shape.dropLast()) + [max(1, kept.count)]
    if kept.isEmpty { return [.tensor(try Tensor(shape, strings: [""]))] }
    let changed = change.action == comparison.action ? compared : try change.apply(x)
    if kept.count == x.count { return [.tensor(changed)] }
    let elements = changed.stringElements
    return [.tensor(try Tensor(shape, copying: kept.map { elements[$0] }))]
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
    if action == 0 { return x }
    let elements = x.stringElements
    var (wide, total): ([Int: [UInt8]], Int) = ([:], 0)
    for i in elements.indices {
      if elements[i].isASCII, !isTurkic {
        total += elements[i].count
      } else {
        let text = Array(apply(String(decoding: elements[i].bytes, as: UTF8.self)).utf8)
        wide[i] = text
        total += text.count
      }
    }
    return try Tensor(x.shape, count: x.count, total: total) { at, i in
      guard let text = wide[i] else { return copyASCII(elements[i], to: at) }
      at.copyMemory(from: text, byteCount: text.count)
      return text.count
    }
  }

  /// The case of ASCII is one bit.
  private func copyASCII(_ text: StringElement, to: UnsafeMutableRawPointer) -> Int {
    let (bytes, first): (_, UInt8) = (text.bytes, action == 1 ? 65 : 97)
    for i in bytes.indices {
      to.storeBytes(of: bytes[i] &- first < 26 ? bytes[i] ^ 32 : bytes[i], toByteOffset: i, as: UInt8.self)
    }
    return bytes.count
  }

  private func apply(_ text: String) -> String {
    if action == 1 { return (isTurkic ? text.replacing("I", "ı", "İ", "i") : text).lowercased() }
    return (isTurkic ? text.replacing("ı", "I", "i", "İ") : text).uppercased()
  }
}

extension StringElement {
  fileprivate var isASCII: Bool { bytes.reduce(0, |) < 0x80 }
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
