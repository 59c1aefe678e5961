import MaasCore

/// What a column is taken for.
package enum ColumnKind: String, Sendable, CaseIterable {
  case number, category, text, ignored
}

/// What one pass over a column tells.
package struct ColumnSummary: Sendable {
  /// More different values than this are not told apart.
  static let mostDistinct = 1000
  /// A column with at least this part of numbers is meant to have only numbers.
  private static let numericPart = 0.9
  private static let mostCategories = 256
  private static let mostClasses = 20

  package private(set) var count = 0
  package private(set) var missing = 0
  package private(set) var numbers = 0
  /// Values that are numbers once their one comma is a point.
  package private(set) var commaNumbers = 0
  private var integers = 0
  private var words = 0
  /// How often each value was seen, as long as there are few.
  private var texts: [String: Int] = [:]
  private var values: [Double: Int] = [:]
  private var hasMoreTexts = false
  private var hasMoreValues = false
  /// Whether each value was one more than the last.
  private var counts = true
  private var last: Double?
  /// The first values that are no number, or no finite one.
  package private(set) var firstText: (row: Int, text: String)?
  package private(set) var firstInfinite: (row: Int, text: String)?

  package init() {}

  mutating func add(_ record: DelimitedRecord, _ column: Int, _ markers: MissingMarkers) {
    count += 1
    if record.isMissing(column, markers) {
      missing += 1
      counts = false
    } else if let number = record.number(column) {
      add(number, record.number) { record.text(column) }
    } else {
      add(record.text(column), record.number)
    }
  }

  private mutating func add(_ number: Double, _ row: Int, _ text: () -> String) {
    numbers += 1
    if number.isInfinite, firstInfinite == nil { firstInfinite = (row, text()) }
    if number == number.rounded() { integers += 1 }
    if let last, number != last + 1 { counts = false }
    last = number
    if values.count < Self.mostDistinct || values[number] != nil {
      values[number, default: 0] += 1
    } else {
      hasMoreValues = true
    }
  }

  private mutating func add(_ text: String, _ row: Int) {
    counts = false
    if firstText == nil { firstText = (row, text) }
    if isDecimalComma(text) { commaNumbers += 1 }
    words += 1 + text.utf8.reduce(0) { $0 + ($1 == 32 ? 1 : 0) }
    if texts.count < Self.mostDistinct || texts[text] != nil {
      texts[text, default: 0] += 1
    } else {
      hasMoreTexts = true
    }
  }
}

extension ColumnSummary {
  private var present: Int { count - missing }
  package var isNumeric: Bool { present > 0 && numbers == present }
  /// Nearly all values are numbers, or would be with a point instead of a comma, and some are not.
  package var isSpoiled: Bool {
    numbers < present && Double(numbers + commaNumbers) >= Self.numericPart * Double(present)
  }
  package var hasMore: Bool { hasMoreTexts || hasMoreValues }
  package var distinct: Int { texts.count + values.count }

  /// Whether a target of such values names classes: words, or at most 20 different integers.
  package var namesClasses: Bool {
    !isNumeric || integers == numbers && !hasMore && distinct <= Self.mostClasses
  }

  /// What the column is taken for, and why.
  package var kind: (kind: ColumnKind, reason: String) {
    if present == 0 { return (.ignored, "it is empty") }
    if !hasMore, distinct == 1, missing == 0 { return (.ignored, "all values are the same") }
    if isNumeric {
      let isCount =
        counts && integers == numbers && count > 10 && values.keys.min().map { 0...1 ~= $0 } == true
      return isCount ? (.ignored, "it numbers the rows") : (.number, missingText)
    }
    if words >= 3 * (present - numbers), hasMoreTexts || 3 * distinct > present {
      return (.text, "\(words / max(1, present)) words each")
    }
    if !hasMore, distinct <= Self.mostCategories, distinct <= 20 || 2 * distinct <= present {
      return (.category, joined(["\(distinct) values"] + (missing > 0 ? [missingText] : []), ", "))
    }
    return (.ignored, "nearly every row has a value of its own")
  }

  private var missingText: String { missing == 0 ? "" : "\(missing) missing" }
}

/// `1,5`, as many languages write one and a half.
func isDecimalComma(_ text: String) -> Bool {
  var bytes = Array(text.utf8)
  guard let comma = bytes.firstIndex(of: UInt8(ascii: ",")), !bytes.contains(UInt8(ascii: ".")) else {
    return false
  }
  bytes[comma] = UInt8(ascii: ".")
  return bytes.withUnsafeBufferPointer { DecimalNumber.parse($0) } != nil
}
