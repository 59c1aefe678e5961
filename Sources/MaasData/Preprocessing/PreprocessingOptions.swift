/// How raw features become what a network is given.
package struct PreprocessingOptions: Sendable {
  package enum Scaling: String, Sendable, CaseIterable {
    /// Mean 0 and standard deviation 1.
    case standard
    /// From 0 to 1.
    case minmax
    case none
  }

  package enum Imputation: String, Sendable, CaseIterable {
    case mean, median
    case mostFrequent = "most-frequent"
  }

  package enum Encoding: String, Sendable, CaseIterable {
    /// A column for each category; all zero for one that training did not see.
    case onehot
    /// The category's place; -1 for one that training did not see.
    case ordinal
  }

  package enum TextEncoding: String, Sendable, CaseIterable {
    /// Counts of n-grams by how rare they are, rows of length 1.
    case tfidf
    /// Counts of n-grams.
    case bag
    /// Counts of n-grams in a fixed number of columns, which n-grams share.
    case hashed
    /// The numbers of the words in their order, for networks that read sequences.
    case tokens
  }

  package var scaling = Scaling.standard
  package var imputation = Imputation.mean
  /// Scaled numbers are kept within this distance of 0.
  package var clip: Double?
  package var encoding = Encoding.onehot
  package var text = TextEncoding.tfidf
  /// Most n-grams, or words, that are told apart.
  package var vocabulary = 5000
  /// Words of the longest n-gram.
  package var ngrams = 2
  /// Columns of hashed n-grams.
  package var buckets = 1024
  /// Words of a text that are read, with `tokens`.
  package var length = 128
  /// Height and width of pictures; nil: those of the training data where they are all the same, else 64.
  package var imageSize: Int?
  /// Whether pictures have one channel; nil: where all of the training data are gray.
  package var isGray: Bool?
  /// Bands of a mel spectrogram.
  package var bands = 40
  /// Samples a second of sounds; nil: as most of them have.
  package var rate: Int?
  /// Seconds of a sound that are heard; nil: those of the longest one in the training data.
  package var seconds: Double?
  /// Whether sounds are sequences of spectra, not pictures of one channel.
  package var soundsAreSequences = false

  package init() {}
}

extension PreprocessingOptions {
  /// All of them by the names that maas-train's options have.
  package var choices: [(name: String, value: String)] {
    [
      ("--scale", scaling.rawValue), ("--impute", imputation.rawValue), ("--clip-features", shown(clip)),
      ("--encode", encoding.rawValue), ("--text-encoding", text.rawValue), ("--vocabulary", "\(vocabulary)"),
      ("--ngrams", "\(ngrams)"), ("--buckets", "\(buckets)"), ("--length", "\(length)"),
      ("--image-size", shown(imageSize)), ("--gray", shown(isGray)), ("--bands", "\(bands)"),
      ("--seconds", shown(seconds)),
      ("--rate", shown(rate)), ("sounds", soundsAreSequences ? "sequences" : "pictures"),
    ]
  }

  private func shown(_ value: (some Any)?) -> String { value.map { "\($0)" } ?? "none" }
}
