import MaasCore

/// Reads a regular expression in the syntax of RE2 and writes its program. What comes later is put behind what is
/// there, so that each part of the expression is one run of instructions whose jumps stay inside it.
struct RegexParser {
  private var text: RegexText
  private var program = RegexProgram()
  /// The groups that are open, the whole expression first.
  private var groups: [Group]
  private var flags = Flags()
  private var names: [String] = []
  /// Whether what was read last repeats something, which cannot be repeated once more.
  private var isRepeated = false

  private struct Flags {
    var ignoresCase = false
    var isMultiline = false
    var dotTakesNewline = false
  }

  private struct Group {
    /// Where the instructions of the group, of its last alternative and of its last part begin.
    let start: Int
    var alternative: Int
    var part: Int?
    /// The jumps to the end of the group.
    var jumps: [Int] = []
    /// What holds again behind the group.
    let flags: Flags
  }

  static func program(_ pattern: String) throws(MaasError) -> RegexProgram {
    var parser = RegexParser(pattern)
    while let scalar = parser.text.peek() { try parser.read(scalar) }
    guard parser.groups.count == 1 else { throw parser.text.error("a ')' is missing") }
    parser.endGroup()
    try parser.emit(RegexInstruction(.match))
    return parser.program
  }

  private init(_ pattern: String) {
    text = RegexText(pattern)
    groups = [Group(start: 0, alternative: 0, flags: flags)]
  }

  private mutating func read(_ scalar: Unicode.Scalar) throws(MaasError) {
    let wasRepeated = isRepeated
    isRepeated = false
    switch scalar {
    case "(": try open()
    case ")": try close()
    case "|": try alternate()
    case "[": try readClass()
    case "\\": try readEscape()
    case "*": try readRepetition(0, nil, wasRepeated)
    case "+": try readRepetition(1, nil, wasRepeated)
    case "?": try readRepetition(0, 1, wasRepeated)
    case "{": try readCount(wasRepeated)
    case ".": try readSingle(RegexInstruction(flags.dotTakesNewline ? .any : .notNewline))
    case "^": try readSingle(RegexInstruction(flags.isMultiline ? .lineBegin : .textBegin))
    case "$": try readSingle(RegexInstruction(flags.isMultiline ? .lineEnd : .textEnd))
    default:
      text.skip()
      try emitLiteral(scalar.value)
    }
  }

  // Instructions.

  private mutating func emit(_ instruction: RegexInstruction) throws(MaasError) {
    try reserve(1)
    program.code.append(instruction)
  }

  private func reserve(_ count: Int) throws(MaasError) {
    guard program.code.count + count > RegexProgram.limit else { return }
    throw text.error("it is too large", .limitExceeded)
  }

  /// A part of one instruction.
  private mutating func emitPart(_ instruction: RegexInstruction) throws(MaasError) {
    groups[groups.count - 1].part = program.code.count
    try emit(instruction)
  }

  private mutating func readSingle(_ instruction: RegexInstruction) throws(MaasError) {
    text.skip()
    try emitPart(instruction)
  }

  private mutating func emitLiteral(_ scalar: UInt32) throws(MaasError) {
    try emitPart(
      flags.ignoresCase
        ? RegexInstruction(.folded, Int(folded(scalar))) : RegexInstruction(.scalar, Int(scalar)))
  }

  private mutating func emit(_ set: ScalarSet, isNegated: Bool = false) throws(MaasError) {
    try emitPart(RegexInstruction(.oneOf, program.add(set, isNegated: isNegated)))
    if program.ranges.count > RegexProgram.rangeLimit { throw text.error("it is too large", .limitExceeded) }
  }

  // Groups.

  private mutating func open() throws(MaasError) {
    let outer = flags
    text.skip()
    if text.skip("?"), try !readGroupHead() { return }
    let start = program.code.count
    groups.append(Group(start: start, alternative: start, flags: outer))
  }

  /// What follows `(?`; false where that is the whole group, which sets flags.
  private mutating func readGroupHead() throws(MaasError) -> Bool {
    if text.skip("P<") || (!text.starts("<=") && !text.starts("<!") && text.skip("<")) {
      try readName()
      return true
    }
    var (isOn, count) = (true, 0)
    while let scalar = text.next() {
      switch scalar {
      case "i": flags.ignoresCase = isOn
      case "m": flags.isMultiline = isOn
      case "s": flags.dotTakesNewline = isOn
      case "U": break
      case "-" where isOn: (isOn, count) = (false, -1)
      case ":" where isOn || count > 0: return true
      case ")" where isOn || count > 0: return false
      default: throw text.error("'(?' is followed by what is not supported")
      }
      count += 1
    }
    throw text.error("a ')' is missing")
  }

  private mutating func readName() throws(MaasError) {
    var name = ""
    while let scalar = text.peek(), isWord(scalar.value) || !scalar.isASCII {
      name.unicodeScalars.append(scalar)
      text.skip()
    }
    guard text.skip(">"), !name.isEmpty, !names.contains(name) else {
      throw text.error("the name of a group is no name or not the only one")
    }
    names.append(name)
  }

  private mutating func close() throws(MaasError) {
    guard groups.count > 1 else { throw text.error("a '(' is missing") }
    text.skip()
    let group = endGroup()
    flags = group.flags
    groups[groups.count - 1].part = group.start
  }

  @discardableResult
  private mutating func endGroup() -> Group {
    let group = groups.removeLast()
    let end = program.code.count
    for jump in group.jumps { program.code[jump].argument = Int32(truncatingIfNeeded: end - jump) }
    return group
  }

  private mutating func alternate() throws(MaasError) {
    text.skip()
    let start = groups[groups.count - 1].alternative
    try reserve(2)
    program.code.insert(RegexInstruction(.split, 1, program.code.count - start + 2), at: start)
    groups[groups.count - 1].jumps.append(program.code.count)
    program.code.append(RegexInstruction(.jump))
    groups[groups.count - 1].alternative = program.code.count
    groups[groups.count - 1].part = nil
  }

  // Repetitions.

  private mutating func readRepetition(
    _ least: Int, _ most: Int?, _ wasRepeated: Bool
  ) throws(MaasError) {
    text.skip()
    try repetition(least, most, wasRepeated)
  }

  private mutating func readCount(_ wasRepeated: Bool) throws(MaasError) {
    guard let (least, most) = text.skipCount() else {
      text.skip()
      return try emitLiteral(123)
    }
    guard least <= 1000, most ?? least <= 1000, least <= most ?? least else {
      throw text.error("a repetition is not within 0..1000, or descends")
    }
    try repetition(least, most, wasRepeated)
  }

  /// Whether as much as possible is taken or as little makes no difference to a full match.
  private mutating func repetition(_ least: Int, _ most: Int?, _ wasRepeated: Bool) throws(MaasError) {
    _ = text.skip("?")
    guard let start = groups[groups.count - 1].part, !wasRepeated else {
      throw text.error("there is nothing that could be repeated")
    }
    isRepeated = true
    let body = Array(program.code[start...])
    let count = body.count
    try reserve((count + 1) * max(least, most ?? 0) + 2)
    program.code.removeSubrange(start...)
    for _ in 0..<(most == nil ? max(0, least - 1) : least) { program.code += body }
    if let most {
      emitOptional(body, most - least)
    } else if least > 0 {
      program.code += body
      program.code.append(RegexInstruction(.split, -count, 1))
    } else {
      program.code.append(RegexInstruction(.split, 1, count + 2))
      program.code += body
      program.code.append(RegexInstruction(.jump, -count - 1))
    }
  }

  /// Up to `count` times the body, each of which may be the last.
  private mutating func emitOptional(_ body: [RegexInstruction], _ count: Int) {
    for i in 0..<count {
      program.code.append(RegexInstruction(.split, 1, (count - i) * (body.count + 1)))
      program.code += body
    }
  }

  // Escapes and classes.

  private mutating func readEscape() throws(MaasError) {
    if text.skip("\\Q") { return try readQuoted() }
    for (name, kind) in assertions where text.skip(name) { return try emitPart(RegexInstruction(kind)) }
    var set = ScalarSet(folds: flags.ignoresCase)
    if try text.skipNamed(into: &set) { return try emit(set) }
    try emitLiteral(try text.escaped())
  }

  private mutating func readQuoted() throws(MaasError) {
    while !text.skip("\\E"), let scalar = text.next() { try emitLiteral(scalar.value) }
  }

  private mutating func readClass() throws(MaasError) {
    text.skip()
    let isNegated = text.skip("^")
    var set = ScalarSet(folds: flags.ignoresCase)
    var isFirst = true
    while isFirst || !text.starts("]") {
      isFirst = false
      if try text.skipPOSIX(into: &set) { continue }
      if try text.skipNamed(into: &set) { continue }
      let low = try text.classScalar()
      var high = low
      if text.starts("-"), !text.starts("-]") {
        text.skip()
        high = try text.classScalar()
      }
      if low > high { throw text.error("a range descends") }
      set.insert(low, high)
      if set.ranges.count > RegexProgram.rangeLimit { throw text.error("it is too large", .limitExceeded) }
    }
    text.skip()
    try emit(set, isNegated: isNegated)
  }
}

private let assertions: [(String, RegexInstruction.Kind)] = [
  ("\\A", .textBegin), ("\\z", .textEnd), ("\\b", .wordBoundary), ("\\B", .notWordBoundary),
]

/// Letters, digits and the underscore of ASCII.
func isWord(_ scalar: UInt32) -> Bool {
  switch scalar {
  case 48...57, 65...90, 95, 97...122: true
  default: false
  }
}
