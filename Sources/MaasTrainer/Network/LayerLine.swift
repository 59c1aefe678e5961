import MaasCore

/// One line of a network's text: a layer's name, values, and options.
struct LayerLine: Sendable {
  let number: Int
  let name: String
  let values: [String]
  let options: [(key: String, value: String)]

  /// Nil for a line that says nothing. What follows `#` is a comment.
  init?(_ text: Substring, number: Int) throws(MaasError) {
    let said = text.prefix { $0 != "#" }
    let words = said.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map { String($0) }
    guard let name = words.first else { return nil }
    (self.number, self.name) = (number, name)
    var (values, options): ([String], [(key: String, value: String)]) = ([], [])
    for word in words.dropFirst() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 1 {
        values.append(word)
      } else {
        options.append((String(parts[0]), String(parts[1])))
      }
    }
    (self.values, self.options) = (values, options)
  }
}

extension MaasError {
  /// The same error, placed in a line of a text.
  func inLine(_ number: Int) -> MaasError {
    MaasError(
      code, "line \(number): \(problem)", tensor: tensor, expected: expected, found: found, hint: hint)
  }
}

/// What a layer is made from. Reading marks values and options as known; `finish` refuses the ones nobody read.
struct LayerReader {
  let line: LayerLine
  private var nextValue = 0
  private var known: [String] = []

  init(_ line: LayerLine) { self.line = line }

  private func refusal(_ problem: String, expected: String, found: String? = nil, hint: String? = nil)
    -> MaasError
  {
    MaasError(.invalidArgument, "\(line.name): \(problem)", expected: expected, found: found, hint: hint)
  }

  /// The option of that name.
  mutating func text(_ key: String) -> String? {
    known.append(key)
    return line.options.first { $0.key == key }?.value
  }

  /// The option of that name, or the next value.
  private mutating func valueOrOption(_ key: String) -> String? {
    if let option = text(key) { return option }
    guard nextValue < line.values.count else { return nil }
    nextValue += 1
    return line.values[nextValue - 1]
  }

  /// A positive whole number, said as an option or, if that may be, in its place.
  mutating func count(_ key: String, isValue: Bool = true) throws(MaasError) -> Int? {
    guard let text = isValue ? valueOrOption(key) : text(key) else { return nil }
    return try number(key, text, 1)
  }

  mutating func required(_ key: String) throws(MaasError) -> Int {
    if let count = try count(key) { return count }
    throw refusal("\(key) is missing", expected: "\(line.name) \(key.uppercased())")
  }

  /// All values that are left, as positive whole numbers, or one option such as `3x3`.
  mutating func counts(_ key: String, from least: Int = 1) throws(MaasError) -> [Int] {
    if let numbers = try option(key, from: least) { return numbers }
    let rest = line.values[nextValue...]
    nextValue = line.values.count
    return try rest.map { (text) throws(MaasError) in try number(key, text, least) }
  }

  /// As `counts` for an option only.
  mutating func option(_ key: String, from least: Int = 1) throws(MaasError) -> [Int]? {
    guard let text = text(key) else { return nil }
    let parts = text.split(separator: "x", omittingEmptySubsequences: false)
    return try parts.map { (part) throws(MaasError) in try number(key, String(part), least, in: text) }
  }

  private func number(
    _ key: String, _ text: String, _ least: Int, in whole: String? = nil
  ) throws(MaasError) -> Int {
    let number = Int(text)
    if let number, number >= least, number <= Self.most { return number }
    let expected = number ?? 0 > Self.most ? "at most \(Self.most)" : "a whole number, at least \(least)"
    throw refusal("\(key) is no such number", expected: expected, found: whole ?? text)
  }
  private static let most = 1 << 30

  /// A number, said as an option or in its place.
  mutating func real(_ key: String, _ limits: NumberLimits) throws(MaasError) -> Double? {
    guard let text = valueOrOption(key) else { return nil }
    if let number = decimal(text), limits.contains(number) { return number }
    throw refusal("\(key) is no such number", expected: limits.text, found: text)
  }

  mutating func flag(_ key: String) throws(MaasError) -> Bool? {
    guard let word = try choice(key, ["true", "false"]) else { return nil }
    return word == "true"
  }

  /// An option, or in its place, that is one of the words.
  mutating func choice(_ key: String, _ words: [String], isValue: Bool = false) throws(MaasError) -> String? {
    guard let word = isValue ? valueOrOption(key) : text(key) else { return nil }
    if words.contains(word) { return word }
    throw refusal(
      "\(key) has an unknown value", expected: joined(words, ", "), found: word, hint: didYouMean(word, words)
    )
  }

  /// Refuses values and options that the layer did not read.
  func finish() throws(MaasError) {
    for (i, option) in line.options.enumerated()
    where line.options[..<i].contains(where: { $0.key == option.key }) {
      throw refusal("\(option.key) is said twice", expected: "once")
    }
    if let option = line.options.first(where: { !known.contains($0.key) }) {
      throw refusal(
        "there is no option '\(option.key)'", expected: joined(known, ", "),
        hint: didYouMean(option.key, known))
    }
    if nextValue < line.values.count {
      throw refusal("there is a value too many", expected: "\(nextValue)", found: line.values[nextValue])
    }
  }
}
