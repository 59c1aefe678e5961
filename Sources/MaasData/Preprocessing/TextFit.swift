import Glibc
import MaasCore
import MaasGraph
import MaasONNX

/// How texts become words: lower case, then runs of letters, digits and underscores.
struct WordSplitter {
  /// The locale by which ONNX Runtime changes case: the one that all systems have, unless there are letters beyond
  /// ASCII.
  private let locale: String
  private let runner: GraphRunner
  private static let expression = "[\\p{L}\\p{N}_]+"

  init(isASCII: Bool) throws(MaasError) {
    locale = isASCII ? "C" : "C.UTF-8"
    var builder = ONNXBuilder("words")
    let text = builder.input(RawInput("text", .text, [.known(1)]))
    builder.output(try WordSplitter.add(to: &builder, text, "text", locale), "words")
    runner = try GraphRunner(try builder.finished(), threads: 1)
  }

  /// [batch, 1] to [batch, words], filled up with empty strings.
  func add(to builder: inout ONNXBuilder, _ text: ValueID, _ name: String) throws(MaasError) -> ValueID {
    try Self.add(to: &builder, text, name, locale)
  }

  private static func add(
    to builder: inout ONNXBuilder, _ text: ValueID, _ name: String, _ locale: String
  ) throws(MaasError) -> ValueID {
    let list = try builder.add("Reshape", [text, try builder.integers("\(name)/all", [-1])], "\(name)/list")
    let lower = try builder.add(
      "StringNormalizer", [list], "\(name)/lower",
      [
        .init("case_change_action", .string("LOWER")), .init("is_case_sensitive", .int(1)),
        .init("locale", .string(locale)),
      ])
    return try builder.add(
      "Tokenizer", [lower], "\(name)/words", domain: "com.microsoft",
      [
        .init("mark", .int(0)), .init("mincharnum", .int(1)), .init("pad_value", .string("")),
        .init("tokenexp", .string(expression)),
      ])
  }

  /// The words of each text.
  func words(_ texts: Tensor) throws(MaasError) -> [[String]] {
    let table = try runner.run([texts])[0]
    let (words, width) = (table.strings, table.shape[1])
    return (0..<table.shape[0]).map { row in
      Array(words[row * width..<(row + 1) * width].prefix { !$0.isEmpty })
    }
  }
}

/// What the training data tell of the n-grams in a column of texts.
struct TextFit {
  private let options: PreprocessingOptions
  private var texts = 0
  /// In how many texts each n-gram is; by words and their number.
  private var counts: [[String]: Int] = [:]

  init(_ options: PreprocessingOptions) { self.options = options }

  mutating func add(_ words: [String]) {
    texts += 1
    let longest = options.text == .tokens ? 1 : options.ngrams
    var seen: Set<[String]> = []
    for length in 1...max(1, longest) where length <= words.count {
      for start in 0...words.count - length { seen.insert(Array(words[start..<start + length])) }
    }
    for ngram in seen { counts[ngram, default: 0] += 1 }
  }

  /// The n-grams in most texts, in a fixed order: by length, then by their words.
  private var chosen: [[String]] {
    let most = options.text == .hashed ? Int.max : options.vocabulary
    let byFrequency = counts.sorted { $0.value != $1.value ? $0.value > $1.value : precedes($0.key, $1.key) }
    return byFrequency.prefix(most).map { $0.key }.sorted(by: precedes)
  }

  /// Adds what makes numbers of words.
  func add(to builder: inout ONNXBuilder, _ words: ValueID, _ name: String) throws(MaasError) -> ValueID {
    if counts.isEmpty {
      throw MaasError(
        .invalidArgument, "column '\(name)': the training texts have no words", expected: "letters or digits",
        found: "\(texts) texts without", hint: "leave the column out with --ignore '\(name)'")
    }
    if options.text == .tokens { return try addTokens(to: &builder, words, name) }
    let counted = try builder.add("TfIdfVectorizer", [words], "\(name)/ngrams", attributes(chosen))
    guard options.text == .tfidf else { return counted }
    return try builder.add(
      "Normalizer", [counted], "\(name)/tfidf", domain: "ai.onnx.ml", [.init("norm", .string("L2"))])
  }

  private func attributes(_ ngrams: [[String]]) -> [Attribute] {
    let longest = ngrams.last?.count ?? 1
    let starts = (1...longest).map { length in
      ngrams.reduce(0) { $0 + ($1.count < length ? $1.count : 0) }
    }
    var attributes: [Attribute] = [
      .init("max_gram_length", .int(longest)), .init("max_skip_count", .int(0)),
      .init("min_gram_length", .int(1)),
      .init("mode", .string(options.text == .tfidf ? "TFIDF" : "TF")), .init("ngram_counts", .ints(starts)),
      .init("ngram_indexes", .ints(columns(ngrams))), .init("pool_strings", .strings(ngrams.flatMap { $0 })),
    ]
    if options.text == .tfidf { attributes.append(.init("weights", .floats(ngrams.map(rarity)))) }
    return attributes
  }

  /// scikit-learn's smoothed inverse document frequency.
  private func rarity(_ ngram: [String]) -> Float {
    Float(log(Double(1 + texts) / Double(1 + (counts[ngram] ?? 0))) + 1)
  }

  private func columns(_ ngrams: [[String]]) -> [Int] {
    guard options.text == .hashed else { return Array(ngrams.indices) }
    // Numbered by the buckets that are used, so that all columns have an n-gram.
    let buckets = ngrams.map { ngram in
      var hash = Checksum()
      for word in ngram { hash.add(word) }
      return Int(hash.finished() % UInt64(max(1, options.buckets)))
    }
    let places = Dictionary(uniqueKeysWithValues: Set(buckets).sorted().enumerated().map { ($1, $0) })
    return buckets.map { places[$0] ?? 0 }
  }

  /// Words as numbers from 2 on, 1 for those that training did not see, 0 behind the end; [batch, length].
  private func addTokens(to builder: inout ONNXBuilder, _ words: ValueID, _ name: String) throws(MaasError)
    -> ValueID
  {
    let vocabulary = chosen.map { $0[0] }
    let numbers = try builder.add(
      "LabelEncoder", [words], "\(name)/numbers", domain: "ai.onnx.ml",
      [
        .init("default_int64", .int(1)), .init("keys_strings", .strings([""] + vocabulary)),
        .init("values_int64s", .ints([0] + vocabulary.indices.map { $0 + 2 })),
      ])
    return try builder.fit(numbers, to: options.length, name)
  }

  /// Numbers that words become with `tokens`.
  var tokens: Int { chosen.count + 2 }
}

extension ONNXBuilder {
  /// Brings the last axis of a matrix to a length: cut, or filled up with zeros.
  mutating func fit(_ matrix: ValueID, to length: Int, _ name: String) throws(MaasError) -> ValueID {
    let padded = try add(
      "Pad", [matrix, try integers("\(name)/padding", [0, 0, 0, length])], "\(name)/padded")
    return try add(
      "Slice",
      [
        padded, try integers("\(name)/from", [0]), try integers("\(name)/to", [length]),
        try integers("\(name)/axis", [1]),
      ], "\(name)/fitted")
  }
}

/// Shorter n-grams first, then by their words.
private func precedes(_ a: [String], _ b: [String]) -> Bool {
  if a.count != b.count { return a.count < b.count }
  return a.lexicographicallyPrecedes(b) { $0.utf8.lexicographicallyPrecedes($1.utf8) }
}
