import MaasCore

/// A program as a table with a row for each set of ways that can be open at a time, so that a scalar costs one look
/// (subset construction). Only for expressions whose table is small and quickly made.
struct RegexAutomaton {
  /// Row 0 is for no way at all. A row begins with whether the text may end there; then, for each class of scalars,
  /// where the row after such a scalar begins.
  private(set) var rows: [UInt16]
  /// The classes of ASCII's scalars.
  let ascii: [UInt16]
  let runs: [ScalarRun]
  private let width: Int
  /// Where the row of the beginning is.
  var first: Int { width }

  /// Instructions that may be looked at to make a table.
  private static let workLimit = 500_000

  init?(_ program: RegexProgram) {
    guard let alphabet = RegexAlphabet(program) else { return nil }
    (ascii, runs, width) = (alphabet.ascii, alphabet.runs, alphabet.samples.count + 1)
    rows = [UInt16](repeating: 0, count: width)
    var (states, at) = (RegexStates(program), 0)
    while let state = states[at] {
      guard rows.count + width <= UInt16.max, states.work <= Self.workLimit else { return nil }
      rows.append(states.isEnd(state) ? 1 : 0)
      for sample in alphabet.samples {
        let next = states.number(after: sample, alphabet.before(sample), in: state)
        rows.append(next.map { UInt16(truncatingIfNeeded: ($0 + 1) * width) } ?? 0)
      }
      at += 1
    }
  }
}

/// An automaton in memory that a step can read.
struct RegexTable {
  let rows: UnsafePointer<UInt16>
  let ascii: UnsafePointer<UInt16>
  let runs: UnsafePointer<ScalarRun>
  let runCount: Int
  let first: Int
  private static let pauseLength = 1 << 20

  /// Whether the automaton takes the whole text; no longer of interest when `pause`, asked after each `pauseLength`
  /// bytes, is true.
  func matches(_ text: StringElement, pause: () -> Bool = { false }) -> Bool {
    let bytes = text.bytes
    var (row, i, next) = (first, 0, Self.pauseLength)
    while i < bytes.count, row != 0 {
      if i >= next {
        if pause() { return false }
        next = i + Self.pauseLength
      }
      let byte = bytes[i]
      if byte < 0x80 {
        row = Int(rows[row + Int(ascii[Int(byte)])])
        i += 1
      } else {
        var scalars = Scalars(text, from: i, asRE2: true)
        let scalar = scalars.next()
        row = scalar == Scalars.invalid ? 0 : Int(rows[row + kind(scalar)])
        i = scalars.offset
      }
    }
    return rows[row] != 0
  }

  private func kind(_ scalar: UInt32) -> Int {
    var (low, high) = (0, runCount)
    while high - low > 1 {
      let middle = (low + high) / 2
      if runs[middle].start <= scalar { low = middle } else { high = middle }
    }
    return Int(runs[low].kind)
  }
}

/// The states that were met, each once, in the order in which they were.
private struct RegexStates {
  /// Instructions that come next, ascending, and the scalar before them, or one that means the same to assertions.
  struct State: Hashable {
    let starts: [Int]
    let before: UInt32
  }

  private let program: RegexProgram
  private var numbers: [State: Int] = [:]
  private var states: [State] = []
  private var marks: [Bool]
  private(set) var work = 0

  init(_ program: RegexProgram) {
    self.program = program
    marks = [Bool](repeating: false, count: program.code.count)
    _ = number(State(starts: [0], before: Scalars.end))
  }

  subscript(i: Int) -> State? { states[at: i] }

  private mutating func number(_ state: State) -> Int {
    if let number = numbers[state] { return number }
    numbers[state] = states.count
    states.append(state)
    return states.count - 1
  }

  /// Whether a text may end here.
  mutating func isEnd(_ state: State) -> Bool {
    open(state, Scalars.end).contains { program.code[$0].kind == .match }
  }

  /// The state behind a scalar; nil where no way is left. `before` is what it remembers of the scalar.
  mutating func number(after scalar: UInt32, _ before: UInt32, in state: State) -> Int? {
    let taken = open(state, scalar).filter { program.code[$0].takes(scalar, program.classes, program.ranges) }
    if taken.isEmpty { return nil }
    return number(State(starts: taken.map { $0 + 1 }.sorted(), before: before))
  }

  /// The instructions that take a scalar, or end, to which the state leads if that scalar is next.
  private mutating func open(_ state: State, _ next: UInt32) -> [Int] {
    var (found, seen, pending): ([Int], [Int], [Int]) = ([], [], state.starts)
    while let at = pending.popLast() {
      if marks[at] { continue }
      marks[at] = true
      seen.append(at)
      let instruction = program.code[at]
      switch instruction.kind {
      case .scalar, .folded, .oneOf, .any, .notNewline, .match: found.append(at)
      case .split: pending += [at + Int(instruction.other), at + Int(instruction.argument)]
      case .jump: pending.append(at + Int(instruction.argument))
      default: if instruction.kind.holds(state.before, next) { pending.append(at + 1) }
      }
    }
    for at in seen { marks[at] = false }
    work += 1 + seen.count
    return found
  }
}
