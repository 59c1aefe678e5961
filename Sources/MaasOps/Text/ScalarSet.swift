import MaasCore

/// A set of scalars while an expression is read.
struct ScalarSet {
  /// Ascending; none touches another.
  private(set) var ranges: [ScalarRange] = []
  /// Case does not matter: the ranges hold what their scalars fold to.
  let folds: Bool

  init(folds: Bool) { self.folds = folds }

  mutating func insert(_ low: UInt32, _ high: UInt32) { insert([ScalarRange(low: low, high: high)]) }

  /// Adds the scalars of the ranges, or all others.
  mutating func insert(_ new: [ScalarRange], isNegated: Bool = false) {
    var closed = ScalarSet(folds: false)
    for range in folds ? new + foldings(new) : new { closed.merge(range) }
    for range in isNegated ? closed.complement() : closed.ranges { merge(range) }
  }

  /// Whether the set, or all but it, has every scalar that is not ASCII, and so in RE2 also what stands for none.
  func takesBeyond(_ isNegated: Bool) -> Bool {
    let wide = ranges.filter { $0.high > 127 }
    if !isNegated { return wide.count == 1 && wide[0].low <= 128 && wide[0].high == ScalarRange.last }
    let folded = wideFoldings.contains { pair in ranges.contains { $0.low <= pair.to && pair.to <= $0.high } }
    return wide.isEmpty && !(folds && folded)
  }

  /// Puts a range in its place, as one with those that it touches.
  private mutating func merge(_ range: ScalarRange) {
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].high + 1 < range.low { low = middle + 1 } else { high = middle }
    }
    var merged = range
    while high < ranges.count, ranges[high].low <= range.high + 1 {
      merged.low = min(merged.low, ranges[high].low)
      merged.high = max(merged.high, ranges[high].high)
      high += 1
    }
    ranges.replaceSubrange(low..<high, with: CollectionOfOne(merged))
  }

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

  private func complement() -> [ScalarRange] {
    var (result, next): ([ScalarRange], UInt32) = ([], 0)
    for range in ranges {
      if range.low > next { result.append(ScalarRange(low: next, high: range.low - 1)) }
      next = range.high + 1
    }
    if next <= ScalarRange.last { result.append(ScalarRange(low: next, high: ScalarRange.last)) }
    return result
  }
}
