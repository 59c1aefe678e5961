/// Unicode's general categories by RE2's names for them; the first letter alone means all that begin with it. What is
/// not assigned is in none.
private let categoryNames: [(Unicode.GeneralCategory, String)] = [
  (.uppercaseLetter, "Lu"), (.lowercaseLetter, "Ll"), (.titlecaseLetter, "Lt"), (.modifierLetter, "Lm"),
  (.otherLetter, "Lo"), (.nonspacingMark, "Mn"), (.spacingMark, "Mc"), (.enclosingMark, "Me"),
  (.decimalNumber, "Nd"), (.letterNumber, "Nl"), (.otherNumber, "No"), (.connectorPunctuation, "Pc"),
  (.dashPunctuation, "Pd"), (.openPunctuation, "Ps"), (.closePunctuation, "Pe"), (.initialPunctuation, "Pi"),
  (.finalPunctuation, "Pf"), (.otherPunctuation, "Po"), (.mathSymbol, "Sm"), (.currencySymbol, "Sc"),
  (.modifierSymbol, "Sk"), (.otherSymbol, "So"), (.spaceSeparator, "Zs"), (.lineSeparator, "Zl"),
  (.paragraphSeparator, "Zp"), (.control, "Cc"), (.format, "Cf"), (.surrogate, "Cs"), (.privateUse, "Co"),
]

/// The scalars of a category, ascending; nil where there is none of this name.
func categoryRanges(_ name: String) -> [ScalarRange]? {
  let categories = categoryNames.filter { $0.1 == name || (name.utf8.count == 1 && $0.1.hasPrefix(name)) }
  if categories.isEmpty { return nil }
  return categoryRuns.filter { run in categories.contains { $0.0 == run.category } }.map { $0.range }
}

/// Beyond these blocks there are only the planes for private use.
private let assignedBlocks: [Range<UInt32>] = [0..<0x33480, 0xe0000..<0xe0200]

private let categoryRuns: [(range: ScalarRange, category: Unicode.GeneralCategory)] = {
  var runs: [(range: ScalarRange, category: Unicode.GeneralCategory)] = []
  for value in assignedBlocks.joined() {
    let category = Unicode.Scalar(value)?.properties.generalCategory ?? .surrogate
    if let last = runs.last, last.category == category, last.range.high + 1 == value {
      runs[runs.count - 1].range.high = value
    } else {
      runs.append((ScalarRange(low: value, high: value), category))
    }
  }
  for plane in [0xf0000, 0x100000] as [UInt32] {
    runs.append((ScalarRange(low: plane, high: plane + 0xfffd), .privateUse))
  }
  return runs
}()

/// The scalars of a script, ascending; nil where there is none of this name.
func scriptRanges(_ name: String) -> [ScalarRange]? {
  for line in scriptTable.utf8.split(separator: UInt8(ascii: "\n")) {
    let words = line.split(separator: UInt8(ascii: " "))
    guard let first = words.first, first.elementsEqual(name.utf8) else { continue }
    return words.dropFirst().map { word in
      let ends = word.split(separator: UInt8(ascii: "-")).map {
        $0.reduce(0) { $0 << 4 | (digitValue(UInt32($1)) ?? 0) }
      }
      return ScalarRange(low: ends.first ?? 0, high: ends.last ?? 0)
    }
  }
  return nil
}
