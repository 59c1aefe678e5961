import CMaasSystem
import MaasCore

/// Runs a program on texts: all ways through it at once, a scalar at a time.
struct RegexMatcher {
  private let code: UnsafePointer<RegexInstruction>
  private let classes: UnsafePointer<RegexClass>
  private let ranges: UnsafePointer<ScalarRange>
  /// By instruction: the last step that came to it.
  private let marks: UnsafeMutablePointer<Int>
  /// The instructions that wait for a scalar, now and in the next step, and those that are still to be looked at.
  private var current: UnsafeMutablePointer<Int32>
  private var coming: UnsafeMutablePointer<Int32>
  private let pending: UnsafeMutablePointer<Int32>
  private var comingCount = 0
  private var step = 0
  /// Whether a match must end where the text does.
  private var isWhole = true
  /// Instructions that were looked at since the last pause.
  private var work = 0
  private static let pauseWork = 1 << 16
  /// What the last pause said.
  private(set) var isStopped = false

  /// Bytes of memory for a program of `count` instructions.
  static func scratch(_ count: Int) -> Int { 24 * count + 16 }

  init(
    _ code: UnsafePointer<RegexInstruction>, _ count: Int, _ classes: UnsafePointer<RegexClass>,
    _ ranges: UnsafePointer<ScalarRange>, scratch: UnsafeMutableRawPointer
  ) {
    (self.code, self.classes, self.ranges) = (code, classes, ranges)
    maas_sys_zero(scratch, 8 * count)
    marks = scratch.assumingMemoryBound(to: Int.self)
    let lists = (scratch + 8 * count).assumingMemoryBound(to: Int32.self)
    (current, coming, pending) = (lists, lists + count, lists + 2 * count)
  }

  /// Whether the program takes the whole text; no longer of interest when `pause`, asked every millisecond or so, is
  /// true.
  mutating func matches(_ text: StringElement, pause: () -> Bool = { false }) -> Bool {
    var scalars = Scalars(text, asRE2: true)
    var (before, scalar) = (Scalars.end, scalars.next())
    var isMatch = follow(0, before, scalar, isFirst: true)
    while scalar != Scalars.end {
      let count = comingCount
      if count == 0 || scalar == Scalars.invalid { return false }
      swap(&current, &coming)
      (before, scalar) = (scalar, scalars.next())
      isMatch = advance(count, before, scalar)
      if stops(after: count, pause) { return false }
    }
    return isMatch
  }

  /// Counts what was looked at; whether the answer is of no interest any more.
  private mutating func stops(after count: Int, _ pause: () -> Bool) -> Bool {
    work += count
    guard work > Self.pauseWork else { return false }
    work = 0
    isStopped = pause()
    return isStopped
  }

  /// Where the longest match that begins at `offset`, after the scalar `before`, ends; nil without one.
  mutating func longest(
    _ text: StringElement, from offset: Int, after before: UInt32, pause: () -> Bool
  ) -> Int? {
    isWhole = false
    var scalars = Scalars(text, from: offset)
    var (before, scalar) = (before, scalars.next())
    var end = follow(0, before, scalar, isFirst: true) ? offset : nil
    if stops(after: 1, pause) { return nil }
    while comingCount > 0, scalar < Scalars.end {
      let (count, taken) = (comingCount, scalars.offset)
      swap(&current, &coming)
      (before, scalar) = (scalar, scalars.next())
      if advance(count, before, scalar) { end = taken }
      if stops(after: count, pause) { return nil }
    }
    return end
  }

  /// Takes scalar `taken`, before `next`; whether that leads to the end of the program.
  private mutating func advance(_ count: Int, _ taken: UInt32, _ next: UInt32) -> Bool {
    var (isMatch, isFirst) = (false, true)
    for i in 0..<count {
      let at = Int(current[i])
      guard code[at].takes(taken, classes, ranges) else { continue }
      if follow(at + 1, taken, next, isFirst: isFirst) { isMatch = true }
      isFirst = false
    }
    if isFirst { comingCount = 0 }
    return isMatch
  }

  /// Brings all instructions that lead on from `start` without a scalar to `coming`; whether the end of the program is
  /// one, where a match may end.
  private mutating func follow(_ start: Int, _ before: UInt32, _ next: UInt32, isFirst: Bool) -> Bool {
    if isFirst { (step, comingCount) = (step + 1, 0) }
    var (isMatch, count) = (false, 1)
    pending[0] = Int32(truncatingIfNeeded: start)
    while count > 0 {
      count -= 1
      let at = Int(pending[count])
      if marks[at] == step { continue }
      marks[at] = step
      let instruction = code[at]
      switch instruction.kind {
      case .scalar, .folded, .oneOf, .any, .notNewline:
        coming[comingCount] = Int32(truncatingIfNeeded: at)
        comingCount += 1
      case .match: isMatch = !isWhole || next == Scalars.end || isMatch
      case .split:
        pending[count] = Int32(truncatingIfNeeded: at) + instruction.other
        pending[count + 1] = Int32(truncatingIfNeeded: at) + instruction.argument
        count += 2
      case .jump:
        pending[count] = Int32(truncatingIfNeeded: at) + instruction.argument
        count += 1
      default:
        if instruction.kind.holds(before, next) {
          pending[count] = Int32(truncatingIfNeeded: at) + 1
          count += 1
        }
      }
    }
    return isMatch
  }
}

extension RegexProgram {
  /// A matcher that is good while `body` runs.
  func withMatcher(_ body: (inout RegexMatcher) -> Void) throws(MaasError) {
    let scratch = try Tensor(.uint8, [RegexMatcher.scratch(code.count)])
    code.withUnsafeBufferPointer { code in
      classes.withUnsafeBufferPointer { classes in
        ranges.withUnsafeBufferPointer { ranges in
          guard let c = code.baseAddress, let s = classes.baseAddress, let r = ranges.baseAddress else {
            return
          }
          var matcher = RegexMatcher(c, code.count, s, r, scratch: scratch.bytes)
          body(&matcher)
        }
      }
    }
  }
}
