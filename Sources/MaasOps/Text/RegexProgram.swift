import MaasCore

/// A regular expression as instructions for a machine that follows all ways through it at once, so that matching takes
/// time proportional to the text, whatever the expression (K. Thompson, "Regular Expression Search Algorithm", 1968).
struct RegexInstruction: BitwiseCopyable, Hashable {
  enum Kind: UInt8 {
    /// Take one scalar: `argument` itself, one that folds to it, one of the class of that number, any, any but a
    /// newline.
    case scalar, folded, oneOf, any, notNewline
    /// Go on at `argument`, or there and at `other` too, both relative.
    case jump, split
    /// Go on if it holds here.
    case textBegin, textEnd, lineBegin, lineEnd, wordBoundary, notWordBoundary
    case match
  }

  let kind: Kind
  var argument: Int32 = 0
  var other: Int32 = 0

  init(_ kind: Kind, _ argument: Int = 0, _ other: Int = 0) {
    self.kind = kind
    self.argument = Int32(truncatingIfNeeded: argument)
    self.other = Int32(truncatingIfNeeded: other)
  }

  /// Whether it takes a scalar, that one.
  @inline(__always)
  func takes(
    _ scalar: UInt32, _ classes: UnsafePointer<RegexClass>, _ ranges: UnsafePointer<ScalarRange>
  ) -> Bool {
    switch kind {
    case .scalar: return UInt32(bitPattern: argument) == scalar
    case .folded: return UInt32(bitPattern: argument) == folded(scalar)
    case .oneOf: return classes[Int(argument)].contains(scalar, ranges)
    case .any: return true
    case .notNewline: return scalar != 10
    default: return false
    }
  }
}

extension RegexInstruction.Kind {
  /// Whether an assertion holds between two scalars; `Scalars.end` stands for the ends of the text.
  func holds(_ before: UInt32, _ next: UInt32) -> Bool {
    switch self {
    case .textBegin: before == Scalars.end
    case .textEnd: next == Scalars.end
    case .lineBegin: before == Scalars.end || before == 10
    case .lineEnd: next == Scalars.end || next == 10
    case .wordBoundary: isWord(before) != isWord(next)
    default: isWord(before) == isWord(next)
    }
  }
}

/// Scalars from `low` to `high`.
struct ScalarRange: BitwiseCopyable {
  var low: UInt32
  var high: UInt32

  static let last: UInt32 = 0x10ffff
}

/// A set of scalars: some of the program's ranges.
struct RegexClass: BitwiseCopyable {
  /// A bit for each ASCII scalar that is in the set, all told.
  var ascii: (UInt64, UInt64) = (0, 0)
  var start: Int32
  var count: Int32
  /// Whether ranges hold what scalars fold to.
  var folds: Bool
  var isNegated: Bool

  @inline(__always)
  func contains(_ scalar: UInt32, _ ranges: UnsafePointer<ScalarRange>) -> Bool {
    if scalar < 64 { return ascii.0 >> UInt64(scalar) & 1 != 0 }
    if scalar < 128 { return ascii.1 >> UInt64(scalar - 64) & 1 != 0 }
    return search(scalar, ranges)
  }

  /// As `contains`, without the bits.
  func search(_ scalar: UInt32, _ ranges: UnsafePointer<ScalarRange>) -> Bool {
    let wanted = folds ? folded(scalar) : scalar
    var (low, high) = (Int(start), Int(start) + Int(count))
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].high < wanted { low = middle + 1 } else { high = middle }
    }
    return (low < Int(start) + Int(count) && ranges[low].low <= wanted) != isNegated
  }
}

struct RegexProgram {
  /// What an expression may become at most; scratch memory and time are proportional to it.
  static let limit = 100_000
  /// The ranges that its classes may have; putting them in order takes up to the square of it.
  static let rangeLimit = 20_000

  var code: [RegexInstruction] = []
  /// The first class and the first range are nobody's, so that there is always one.
  private(set) var classes = [RegexClass(start: 0, count: 0, folds: false, isNegated: false)]
  private(set) var ranges = [ScalarRange(low: 0, high: 0)]

  /// Adds a class and gives its number.
  mutating func add(_ set: ScalarSet, isNegated: Bool) -> Int {
    var entry = RegexClass(
      start: Int32(truncatingIfNeeded: ranges.count), count: Int32(truncatingIfNeeded: set.ranges.count),
      folds: set.folds, isNegated: isNegated)
    ranges += set.ranges
    if set.takesBeyond(isNegated) != isNegated {
      ranges.append(ScalarRange(low: Scalars.beyond, high: Scalars.beyond))
      entry.count += 1
    }
    ranges.withUnsafeBufferPointer { ranges in
      guard let ranges = ranges.baseAddress else { return }
      for scalar in 0..<UInt32(128) where entry.search(scalar, ranges) {
        if scalar < 64 {
          entry.ascii.0 |= 1 << UInt64(scalar)
        } else {
          entry.ascii.1 |= 1 << UInt64(scalar - 64)
        }
      }
    }
    classes.append(entry)
    return classes.count - 1
  }
}
