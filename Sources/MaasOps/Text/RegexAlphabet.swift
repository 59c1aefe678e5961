import MaasCore

/// Scalars from `start` to the next run, all of one class.
struct ScalarRun: BitwiseCopyable {
  let start: UInt32
  let kind: UInt32
}

/// The scalars in classes whose members a program cannot tell apart, numbered from 1.
struct RegexAlphabet {
  private(set) var ascii: [UInt16] = []
  /// Ascending; the first begins at 0.
  private(set) var runs: [ScalarRun] = []
  /// A scalar of each class.
  private(set) var samples: [UInt32] = []
  private let hasAssertions: Bool

  /// Runs times instructions that may be looked at.
  private static let workLimit = 200_000

  init?(_ program: RegexProgram) {
    hasAssertions = program.code.contains { $0.kind.isAssertion }
    let instructions = Array(Set(program.code.filter { $0.kind.takesSome }))
    var bounds = Bounds(hasAssertions: hasAssertions)
    for instruction in instructions { bounds.add(instruction, program) }
    let starts = bounds.sorted
    guard starts.count * (instructions.count + 1) <= Self.workLimit else { return nil }
    var kinds: [[UInt32]: UInt32] = [:]
    for start in starts {
      let taking = instructions.indices.filter {
        instructions[$0].takes(start, program.classes, program.ranges)
      }
      let signature = taking.map { UInt32(truncatingIfNeeded: $0) } + [before(start)]
      add(start, &kinds, signature)
    }
    for scalar in 0..<UInt32(128) {
      let run = runs.last { $0.start <= scalar }
      ascii.append(UInt16(truncatingIfNeeded: run?.kind ?? 0))
    }
  }

  private mutating func add(_ start: UInt32, _ kinds: inout [[UInt32]: UInt32], _ signature: [UInt32]) {
    if kinds[signature] == nil {
      samples.append(start)
      kinds[signature] = UInt32(truncatingIfNeeded: samples.count)
    }
    guard let kind = kinds[signature], kind != runs.last?.kind else { return }
    runs.append(ScalarRun(start: start, kind: kind))
  }

  /// What assertions behind a scalar need to know of it: the newline, a letter for what is part of a word, or a space.
  func before(_ scalar: UInt32) -> UInt32 {
    !hasAssertions ? 32 : scalar == 10 ? 10 : isWord(scalar) ? 97 : 32
  }
}

/// Where classes can begin and end.
private struct Bounds {
  private var starts: Set<UInt32> = [0, 128, Scalars.beyond]
  private var hasFoldings = false

  init(hasAssertions: Bool) {
    guard hasAssertions else { return }
    for (low, high) in [(10, 10), (48, 57), (65, 90), (95, 95), (97, 122)] as [(UInt32, UInt32)] {
      add(low, high)
    }
  }

  var sorted: [UInt32] { starts.sorted() }

  private mutating func add(_ low: UInt32, _ high: UInt32) {
    starts.insert(low)
    if high < ScalarRange.last { starts.insert(high + 1) }
  }

  mutating func add(_ instruction: RegexInstruction, _ program: RegexProgram) {
    let argument = Int(instruction.argument)
    switch instruction.kind {
    case .scalar: add(UInt32(argument), UInt32(argument))
    case .folded:
      add(UInt32(argument), UInt32(argument))
      addFoldings()
    case .oneOf:
      let set = program.classes[argument]
      for range in program.ranges[Int(set.start)..<Int(set.start + set.count)] { add(range.low, range.high) }
      if set.folds { addFoldings() }
    default: add(10, 10)
    }
  }

  /// What folds to another scalar is in no other's place.
  private mutating func addFoldings() {
    if hasFoldings { return }
    hasFoldings = true
    for scalar in 65...90 as ClosedRange<UInt32> { add(scalar, scalar) }
    for pair in wideFoldings { add(pair.from, pair.from) }
  }
}

extension RegexInstruction.Kind {
  fileprivate var takesSome: Bool {
    switch self {
    case .scalar, .folded, .oneOf, .any, .notNewline: true
    default: false
    }
  }

  fileprivate var isAssertion: Bool {
    switch self {
    case .textBegin, .textEnd, .lineBegin, .lineEnd, .wordBoundary, .notWordBoundary: true
    default: false
    }
  }
}
