import MaasCore

/// The text of a regular expression, and where it is read.
struct RegexText {
  private let pattern: String
  private let scalars: [Unicode.Scalar]
  private var at = 0
  /// Scalars of a pattern that an error quotes.
  private static let mostShown = 100

  init(_ pattern: String) {
    self.pattern = pattern
    scalars = Array(pattern.unicodeScalars)
  }

  func error(_ problem: String, _ code: MaasError.Code = .invalidModel) -> MaasError {
    var shown = pattern
    if scalars.count > RegexText.mostShown {
      shown = scalars[..<RegexText.mostShown].reduce(into: "") { $0.unicodeScalars.append($1) } + "…"
    }
    return MaasError(
      code, "attribute 'pattern' cannot be read: \(problem)", expected: "RE2's syntax",
      found: "'\(shown)' up to scalar \(at)")
  }

  /// The scalar `ahead`, nil behind the end.
  func peek(_ ahead: Int = 0) -> Unicode.Scalar? { scalars[at: at + ahead] }

  mutating func skip() { at += 1 }

  mutating func next() -> Unicode.Scalar? {
    defer { if at < scalars.count { at += 1 } }
    return peek()
  }

  func starts(_ prefix: String) -> Bool { end(of: prefix) != nil }

  /// Goes behind the prefix if it is there.
  mutating func skip(_ prefix: String) -> Bool {
    guard let end = end(of: prefix) else { return false }
    at = end
    return true
  }

  private func end(of prefix: String) -> Int? {
    var i = at
    for scalar in prefix.unicodeScalars {
      if i >= scalars.count || scalars[i] != scalar { return nil }
      i += 1
    }
    return i
  }

  /// `{2}`, `{2,}` or `{2,3}`; nil for other texts, which mean themselves.
  mutating func skipCount() -> (least: Int, most: Int?)? {
    let start = at
    skip()
    if let least = skipNumber() {
      var most: Int? = least
      if skip(",") { most = starts("}") ? nil : skipNumber() ?? -1 }
      if most != -1, skip("}") { return (least, most) }
    }
    at = start
    return nil
  }

  private mutating func skipNumber() -> Int? {
    let start = at
    var number = 0
    while let digit = peek(), ("0"..."9").contains(digit), number < 100_000_000 {
      number = number * 10 + Int(digit.value - 48)
      at += 1
    }
    return at == start || (scalars[start] == "0" && at > start + 1) ? nil : number
  }

  /// The scalar of an escape sequence, which begins here.
  mutating func escaped() throws(MaasError) -> UInt32 {
    skip()
    guard let scalar = next() else { throw error("it ends with '\\'") }
    if let control = controls.first(where: { $0.name == scalar }) { return control.value }
    if scalar == "x" { return try hexadecimal() }
    // A single digit but 0 would be a back reference.
    let digits: ClosedRange<Unicode.Scalar> = "0"..."7"
    if digits.contains(scalar), scalar == "0" || peek().map(digits.contains) == true {
      return octal(scalar.value - 48)
    }
    if scalar.isASCII, !isWord(scalar.value) || scalar == "_" { return scalar.value }
    throw error("an escape sequence is not supported")
  }

  private mutating func octal(_ first: UInt32) -> UInt32 {
    var value = first
    for _ in 0..<2 {
      guard let digit = peek(), ("0"..."7").contains(digit) else { break }
      value = value * 8 + digit.value - 48
      skip()
    }
    return value
  }

  private mutating func hexadecimal() throws(MaasError) -> UInt32 {
    let isBraced = skip("{")
    var (value, count): (UInt32, Int) = (0, 0)
    while isBraced ? !starts("}") : count < 2 {
      guard let digit = next().flatMap({ digitValue($0.value) }) else {
        throw error("a digit is missing behind '\\x'")
      }
      value = value * 16 + digit
      count += 1
      if value > ScalarRange.last { throw error("a scalar is beyond 10ffff") }
    }
    if isBraced, count == 0 || !skip("}") { throw error("a digit is missing behind '\\x'") }
    return value
  }

  /// One end of a range of a class.
  mutating func classScalar() throws(MaasError) -> UInt32 {
    if starts("\\") { return try escaped() }
    guard let scalar = next() else { throw error("a ']' is missing") }
    return scalar.value
  }
}

private let controls: [(name: Unicode.Scalar, value: UInt32)] = [
  ("a", 7), ("f", 12), ("n", 10), ("r", 13), ("t", 9), ("v", 11),
]

func digitValue(_ scalar: UInt32) -> UInt32? {
  switch scalar {
  case 48...57: scalar - 48
  case 65...70: scalar - 55
  case 97...102: scalar - 87
  default: nil
  }
}

// Sets that have names.
extension RegexText {
  /// `\d` and its like; false where there is none. Of Unicode's sets there are the general categories and
  /// the scripts.
  mutating func skipNamed(into set: inout ScalarSet) throws(MaasError) -> Bool {
    guard starts("\\"), let letter = peek(1) else { return false }
    if letter == "p" || letter == "P" {
      at += 2
      try readCategory(into: &set, isNegated: letter == "P")
      return true
    }
    guard let row = perlSets.first(where: { $0.name == letter || $0.name.value == letter.value + 32 }) else {
      return false
    }
    at += 2
    set.insert(ranges(row.ranges), isNegated: row.name != letter)
    return true
  }

  private mutating func readCategory(into set: inout ScalarSet, isNegated: Bool) throws(MaasError) {
    var (name, isNegated) = ("", isNegated)
    if skip("{") {
      if skip("^") { isNegated = !isNegated }
      while !starts("}"), let scalar = next() { name.unicodeScalars.append(scalar) }
      guard skip("}") else { throw error("a '}' is missing") }
    } else if let scalar = next() {
      name.unicodeScalars.append(scalar)
    }
    if name == "Any" {
      return set.insert([ScalarRange(low: 0, high: ScalarRange.last)], isNegated: isNegated)
    }
    if let ranges = categoryRanges(name) ?? scriptRanges(name) {
      return set.insert(ranges, isNegated: isNegated)
    }
    throw error("'\(name)' is neither a general category nor a script")
  }

  /// `[:alpha:]`, `[:^alpha:]` and their like; false where there is none.
  mutating func skipPOSIX(into set: inout ScalarSet) throws(MaasError) -> Bool {
    guard starts("[:") else { return false }
    var length = 2
    while let scalar = peek(length), scalar != ":" || peek(length + 1) != "]" { length += 1 }
    guard peek(length) != nil else { return false }
    at += 2
    let isNegated = skip("^")
    for row in posixSets where skip(row.name) {
      set.insert(ranges(row.ranges), isNegated: isNegated)
      return true
    }
    throw error("there is no class of this name")
  }
}

private let perlSets: [(name: Unicode.Scalar, ranges: String)] = [
  ("d", "09"), ("s", "\t\n\u{c}\r  "), ("w", "09AZ__az"),
]

private let posixSets: [(name: String, ranges: String)] = [
  ("alnum:]", "09AZaz"), ("alpha:]", "AZaz"), ("ascii:]", "\0\u{7f}"), ("blank:]", "\t\t  "),
  ("cntrl:]", "\0\u{1f}\u{7f}\u{7f}"), ("digit:]", "09"), ("graph:]", "!~"), ("lower:]", "az"),
  ("print:]", " ~"),
  ("punct:]", "!/:@[`{~"), ("space:]", "\t\r  "), ("upper:]", "AZ"), ("word:]", "09AZ__az"),
  ("xdigit:]", "09AFaf"),
]

/// The ranges of a row: the first and the last scalar of each.
private func ranges(_ ends: String) -> [ScalarRange] {
  let bytes = Array(ends.utf8)
  return stride(from: 0, to: bytes.count - 1, by: 2).map {
    ScalarRange(low: UInt32(bytes[$0]), high: UInt32(bytes[$0 + 1]))
  }
}
