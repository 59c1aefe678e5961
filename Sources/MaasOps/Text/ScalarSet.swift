import MaasCore

/// A set of scalars while an expression is read.
struct ScalarSet {
  private(set) var ranges: [ScalarRange] = []
  private(set) var categories: UInt32 = 0
  /// Case does not matter: the ranges hold what their scalars fold to.
  let folds: Bool

  init(folds: Bool) { self.folds = folds }

  mutating func insert(_ low: UInt32, _ high: UInt32) { insert([ScalarRange(low: low, high: high)]) }

  /// Adds the scalars of the ranges, or all others.
  mutating func insert(_ new: [ScalarRange], isNegated: Bool = false) {
    let closed = folds ? new + foldings(new) : new
    ranges += isNegated ? ScalarSet.complement(ScalarSet.merged(closed)) : closed
  }

  mutating func insert(categories bits: UInt32) { categories |= bits }

  /// What the scalars of the ranges fold to, where that is something else.
  private func foldings(_ new: [ScalarRange]) -> [ScalarRange] {
    var result: [ScalarRange] = []
    for range in new {
      let (low, high) = (max(range.low, 65), min(range.high, 90))
      if low <= high { result.append(ScalarRange(low: low + 32, high: high + 32)) }
      guard range.high >= 128 else { continue }
      for pair in wideFoldings where pair.from >= range.low && pair.from <= range.high {
        result.append(ScalarRange(low: pair.to, high: pair.to))
      }
    }
    return result
  }

  /// The same scalars in ranges that ascend and do not touch.
  static func merged(_ ranges: [ScalarRange]) -> [ScalarRange] {
    var result: [ScalarRange] = []
    for range in ranges.sorted(by: { $0.low < $1.low }) {
      if let last = result.last, range.low <= last.high + 1 {
        result[result.count - 1].high = max(last.high, range.high)
      } else {
        result.append(range)
      }
    }
    return result
  }

  private static func complement(_ merged: [ScalarRange]) -> [ScalarRange] {
    var (result, next): ([ScalarRange], UInt32) = ([], 0)
    for range in merged {
      if range.low > next { result.append(ScalarRange(low: next, high: range.low - 1)) }
      next = range.high + 1
    }
    if next <= ScalarRange.last { result.append(ScalarRange(low: next, high: ScalarRange.last)) }
    return result
  }
}

/// The same for scalars that differ in case only: Unicode's simple folding, by way of the upper case. The dotless i is a
/// letter of its own.
@inline(__always)
func folded(_ scalar: UInt32) -> UInt32 {
  if scalar >= 128 { return wideFolded(scalar) }
  return scalar >= 65 && scalar <= 90 ? scalar + 32 : scalar
}

private func wideFolded(_ scalar: UInt32) -> UInt32 {
  if scalar == 0x131 { return scalar }
  let upper = single(scalar) { $0.properties.uppercaseMapping }
  return single(upper) { $0.properties.lowercaseMapping }
}

/// The scalar that `mapping` makes of one; itself where that is several.
private func single(_ scalar: UInt32, _ mapping: (Unicode.Scalar) -> String) -> UInt32 {
  guard let valid = Unicode.Scalar(scalar) else { return scalar }
  let mapped = mapping(valid).unicodeScalars
  guard let first = mapped.first, mapped.dropFirst().isEmpty else { return scalar }
  return first.value
}

/// Every scalar beyond ASCII that folds to another. None has case beyond the planes of letters.
private let wideFoldings: [(from: UInt32, to: UInt32)] = (UInt32(128)..<0x1f000).compactMap {
  let folded = folded($0)
  return folded == $0 ? nil : ($0, folded)
}

/// Unicode's general categories as bits.
enum ScalarCategory {
  /// In the order of the bits.
  private static let names = [
    "Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf",
    "Po", "Sm",
    "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Co", "Cs",
  ]

  private static let order: [Unicode.GeneralCategory] = [
    .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
    .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation,
    .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
    .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol, .spaceSeparator,
    .lineSeparator, .paragraphSeparator, .control, .format, .privateUse, .surrogate,
  ]

  /// Those that scalars leave when their case changes.
  static let cased = bits("Lu") | bits("Ll") | bits("Lt")

  /// The categories of a name such as `Lu`, or of the group `L`; none for other names.
  static func bits(_ name: String) -> UInt32 {
    var bits: UInt32 = 0
    for (i, category) in names.enumerated() where category == name || category.utf8.first == name.utf8.first {
      if category == name || name.utf8.count == 1 { bits |= 1 << UInt32(i) }
    }
    return bits
  }

  static func bit(_ scalar: UInt32) -> UInt32 {
    guard let category = Unicode.Scalar(scalar)?.properties.generalCategory else { return 0 }
    // What is unassigned has a bit of its own: it is outside of every category with a name.
    return order.firstIndex(of: category).map { 1 << UInt32($0) } ?? 1 << 31
  }
}
