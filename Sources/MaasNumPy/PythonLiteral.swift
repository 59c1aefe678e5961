/// A value written as a Python literal: what .npy headers and the class names in model metadata consist of.
///
/// JSON's arrays and objects of strings and integers are also Python literals, and read the same.
package indirect enum PythonLiteral: Equatable {
  case string(String)
  case integer(Int)
  case bool(Bool)
  case none
  case list([PythonLiteral])
  case tuple([PythonLiteral])
  case dictionary([Entry])

  package struct Entry: Equatable {
    package let key: PythonLiteral
    package let value: PythonLiteral
  }

  /// What stands at `offset` is not what the syntax wants there.
  package struct SyntaxError: Error, Equatable {
    package let offset: Int
    package let expected: String
  }

  /// Reads one literal that fills all of `bytes` but for white space.
  package static func parse(_ bytes: some Sequence<UInt8>) throws(SyntaxError) -> PythonLiteral {
    var parser = PythonLiteralParser(bytes: Array(bytes))
    let value = try parser.value(depth: 0)
    try parser.end()
    return value
  }
}

private struct PythonLiteralParser {
  let bytes: [UInt8]
  var offset = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Deep enough for nested structured dtypes; a bound, so that no file can overflow the stack.
  private let deepest = 32

  mutating func value(depth: Int) throws(PythonLiteral.SyntaxError) -> PythonLiteral {
    guard depth < deepest else { throw expected("at most \(deepest) nested brackets") }
    switch next {
    case UInt8(ascii: "'"), UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "["): return .list(try items(closedBy: "]", depth).values)
    case UInt8(ascii: "("): return try parenthesized(depth)
    case UInt8(ascii: "{"): return .dictionary(try entries(depth))
    case UInt8(ascii: "-"): return .integer(try integer())
    case .some(let byte) where isDigit(byte): return .integer(try integer())
    default: return try keyword()
    }
  }

  mutating func end() throws(PythonLiteral.SyntaxError) {
    if next != nil { throw expected("the end") }
  }

  /// The next byte that is not white space, which is skipped.
  private var next: UInt8? {
    mutating get {
      while let byte = peek, byte == 32 || (byte >= 9 && byte <= 13) { offset += 1 }
      return peek
    }
  }

  private var peek: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  private func expected(_ what: String) -> PythonLiteral.SyntaxError { .init(offset: offset, expected: what) }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func keyword() throws(PythonLiteral.SyntaxError) -> PythonLiteral {
    let words: [(String, PythonLiteral)] = [("True", .bool(true)), ("False", .bool(false)), ("None", .none)]
    for (word, value) in words where bytes[offset...].starts(with: word.utf8) {
      offset += word.utf8.count
      return value
    }
    throw expected("a string, a number, True, False, None or a bracket")
  }
}

extension PythonLiteralParser {
  private mutating func parenthesized(_ depth: Int) throws(PythonLiteral.SyntaxError) -> PythonLiteral {
    let (values, comma) = try items(closedBy: ")", depth)
    return values.count == 1 && !comma ? values[0] : .tuple(values)
  }

  private mutating func items(
    closedBy bracket: Unicode.Scalar, _ depth: Int
  ) throws(PythonLiteral.SyntaxError) -> (values: [PythonLiteral], comma: Bool) {
    offset += 1
    var values: [PythonLiteral] = []
    var comma = false
    while !take(bracket) {
      if !values.isEmpty, !comma { throw expected("',' or '\(bracket)'") }
      values.append(try value(depth: depth + 1))
      comma = take(",")
    }
    return (values, comma)
  }

  private mutating func entries(_ depth: Int) throws(PythonLiteral.SyntaxError) -> [PythonLiteral.Entry] {
    offset += 1
    var entries: [PythonLiteral.Entry] = []
    var comma = true
    while !take("}") {
      if !comma { throw expected("',' or '}'") }
      let key = try value(depth: depth + 1)
      if !take(":") { throw expected("':'") }
      entries.append(.init(key: key, value: try value(depth: depth + 1)))
      comma = take(",")
    }
    return entries
  }

  /// A decimal number; Python 2 wrote `L` after long ones.
  private mutating func integer() throws(PythonLiteral.SyntaxError) -> Int {
    let start = offset
    if peek == UInt8(ascii: "-") { offset += 1 }
    while let byte = peek, isDigit(byte) { offset += 1 }
    guard let number = Int(String(decoding: bytes[start..<offset], as: UTF8.self)) else {
      offset = start
      throw expected("an integer of at most 63 bits")
    }
    if peek == UInt8(ascii: "L") { offset += 1 }
    return number
  }

  private mutating func string() throws(PythonLiteral.SyntaxError) -> String {
    let quote = bytes[offset]
    offset += 1
    var text: [UInt8] = []
    while let byte = peek, byte != quote {
      offset += 1
      if byte == UInt8(ascii: "\\") { text += try escaped().utf8 } else { text.append(byte) }
    }
    if peek == nil { throw expected("a closing quote") }
    offset += 1
    return String(decoding: text, as: UTF8.self)
  }

  private mutating func escaped() throws(PythonLiteral.SyntaxError) -> String {
    guard let byte = peek else { throw expected("a closing quote") }
    let escapes: [(Unicode.Scalar, String)] = [
      ("\\", "\\"), ("'", "'"), ("\"", "\""), ("/", "/"), ("n", "\n"), ("t", "\t"), ("r", "\r"),
      ("b", "\u{8}"), ("f", "\u{c}"),
    ]
    for (letter, meaning) in escapes where UInt8(ascii: letter) == byte {
      offset += 1
      return meaning
    }
    guard byte == UInt8(ascii: "u") else {
      throw expected("one of the escapes \\\\ \\' \\\" \\/ \\b \\f \\n \\r \\t \\u")
    }
    return String(decoding: try utf16(), as: UTF16.self)
  }

  /// What `\u` and four digits say, and the second half of a pair where a first one stands there.
  private mutating func utf16() throws(PythonLiteral.SyntaxError) -> [UInt16] {
    let first = try hexadecimal()
    let isHalf = UTF16.isLeadSurrogate(first)
    guard isHalf, bytes[offset...].starts(with: "\\u".utf8) else { return [first] }
    offset += 1
    return [first, try hexadecimal()]
  }

  /// The four digits behind the `u` at `offset`.
  private mutating func hexadecimal() throws(PythonLiteral.SyntaxError) -> UInt16 {
    let digits = bytes[offset...].dropFirst().prefix(4)
    let values = digits.compactMap { Character(Unicode.Scalar($0)).hexDigitValue }
    guard values.count == 4 else { throw expected("\\u and four hexadecimal digits") }
    offset += 5
    return values.reduce(0) { $0 << 4 | UInt16($1) }
  }
}
