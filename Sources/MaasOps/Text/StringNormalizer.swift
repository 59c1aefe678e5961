import CMaasKernels
import MaasCore
import MaasGraph

/// The strings that are no stop words, in lower or upper case or as they are; one empty string if none is left.
package final class StringNormalizer: ReadableOperator, HostOperator {
  package let name = "StringNormalizer"
  private let change: CaseChange
  /// How strings are changed before they are looked up among the stop words.
  private let comparison: CaseChange
  /// Whether both are the same.
  private let isCompared: Bool
  private let stopWords: KeyTable

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let action = try reader.choice("case_change_action", ["NONE", "LOWER", "UPPER"])
    let isSensitive = try reader.int("is_case_sensitive") ?? 0 != 0
    let isTurkic = CaseChange.isTurkic(try reader.bytes("locale") ?? [])
    let comparedBy = isSensitive ? 0 : max(1, action)
    isCompared = action == comparedBy
    change = CaseChange(action, isTurkic: isTurkic)
    comparison = CaseChange(comparedBy, isTurkic: isTurkic)
    let words = try reader.byteStrings("stopwords") ?? []
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

  package var ownsResults: Bool { true }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    guard x.shape.dropLast().allSatisfy({ $0 == 1 }) else {
      throw MaasError(
        .shapeMismatch, "input 0 must be one list of strings", expected: "[C] or [1, C]",
        found: describe(x.shape))
    }
    let compared = try comparison.apply(x, call)
    let places = stopWords.places(compared)
    let kept = places.indices.filter { places[$0] < 0 }
    let shape = Array(x.shape.dropLast()) + [max(1, kept.count)]
    if kept.isEmpty { return [.tensor(try Tensor(shape, strings: [""]))] }
    let changed = isCompared ? compared : try change.apply(x, call)
    if kept.count == x.count { return [.tensor(changed === x ? try x.copied() : changed)] }
    let elements = kept.map { changed.stringElements[$0] }
    return [
      .tensor(
        try elements.withUnsafeBufferPointer { (kept) throws(MaasError) in try Tensor(shape, copying: kept) })
    ]
  }
}

/// Unicode's full case mappings, scalar by scalar; bytes that are no UTF-8 stay. In Turkish and Azerbaijani, i and I
/// have dotless and dotted partners of their own.
private struct CaseChange: Sendable {
  /// Nil: nothing changes.
  private let table: CaseTable?
  /// The first of ASCII's letters that change without the table; 0: none.
  private let firstLetter: UInt8

  /// `action` 0 is none, 1 to lower, 2 to upper case.
  init(_ action: Int, isTurkic: Bool) {
    firstLetter = isTurkic ? 0 : action == 1 ? 65 : 97
    guard action > 0 else {
      table = nil
      return
    }
    var table = action == 1 ? CaseTable.lower : CaseTable.upper
    let partners: [(UInt32, String)] = action == 1 ? [(0x49, "ı"), (0x130, "i")] : [(0x69, "İ")]
    if isTurkic { for (from, to) in partners { table[from] = caseBytes(to) } }
    self.table = table
  }

  /// Whether the locale's language, as in `tr_TR.UTF-8`, is one of these.
  static func isTurkic(_ locale: [UInt8]) -> Bool {
    guard locale.count >= 2, locale.count == 2 || locale[2] < 97 else { return false }
    return (locale[0] == 116 && locale[1] == 114) || (locale[0] == 97 && locale[1] == 122)
  }

  /// Ends when the run of `call` does.
  func apply(_ x: Tensor, _ call: HostCall? = nil) throws(MaasError) -> Tensor {
    guard let table else { return x }
    let texts = UnsafeBufferPointer(start: x.stringElements.texts, count: x.count)
    let most = product(Int(maas_texts_size(texts.baseAddress, Int64(x.count))), 3) ?? .max
    return try Tensor(x.shape, count: x.count, bytes: sum(most, 8) ?? .max) {
      (elements, bytes) throws(MaasError) in
      try table.withMap(first: firstLetter) { (map) throws(MaasError) in
        var (end, unchecked) = (bytes, 0)
        for i in 0..<x.count {
          let start = end
          for piece in Pieces(texts[i]) {
            end = maas_text_change_case(piece.bytes, piece.count, map, end)
            unchecked += Int(piece.count)
            if unchecked < Pieces.most { continue }
            try call?.checkInterruption()
            unchecked = 0
          }
          elements[i] = maas_text(bytes: start, count: Int64(end - start))
        }
      }
    }
  }
}

/// The parts of a text that are worked on at once: about a millisecond, in whole characters.
private struct Pieces: Sequence, IteratorProtocol {
  static let most = 1 << 18
  private var rest: maas_text

  init(_ text: maas_text) { rest = text }

  mutating func next() -> maas_text? {
    guard rest.count > 0, let bytes = rest.bytes else { return nil }
    var count = Swift.min(Int(rest.count), Pieces.most)
    // A character has up to three more bytes behind its first.
    for _ in 0..<3 where count < rest.count && bytes[count] & 0xc0 == 0x80 { count -= 1 }
    rest = maas_text(bytes: bytes + count, count: rest.count - Int64(count))
    return maas_text(bytes: bytes, count: Int64(count))
  }
}
