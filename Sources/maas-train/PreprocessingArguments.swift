import ArgumentParser
import MaasData

/// What stands before the network in the exported model.
struct PreprocessingArguments: ParsableArguments {
  @Option(help: "How numbers are scaled.")
  var scale = PreprocessingOptions.Scaling.standard

  @Option(help: "What takes the place of a number that is not known.")
  var impute = PreprocessingOptions.Imputation.mean

  @Option(help: ArgumentHelp("Keep scaled numbers within this distance of 0.", valueName: "distance"))
  var clipFeatures: Double?

  @Option(help: "How categories become numbers.")
  var encode = PreprocessingOptions.Encoding.onehot

  @Option(help: "How texts become numbers; tokens for networks that read sequences.")
  var textEncoding: PreprocessingOptions.TextEncoding?

  @Option(help: ArgumentHelp("Most words or n-grams that are told apart.", valueName: "N"))
  var vocabulary = 5000

  @Option(help: ArgumentHelp("Words of the longest n-gram.", valueName: "N"))
  var ngrams = 2

  @Option(help: ArgumentHelp("Columns of --text-encoding hashed.", valueName: "N"))
  var buckets = 1024

  @Option(
    help: ArgumentHelp("Words that a network reads of a text with --text-encoding tokens.", valueName: "N"))
  var length = 128

  @Option(
    help: ArgumentHelp(
      "Height and width of pictures; without it their own where all have the same, else 64.",
      valueName: "pixels"))
  var imageSize: Int?

  @Flag(inversion: .prefixedNo, help: "Whether pictures are gray; without either when all of them are.")
  var gray: Bool?

  @Option(help: ArgumentHelp("Bands of the mel spectrogram of sounds.", valueName: "N"))
  var bands = 40

  @Option(
    help: ArgumentHelp("How much of a sound is heard; without it as much as the longest has.", valueName: "s")
  )
  var seconds: Double?

  @Option(
    help: ArgumentHelp(
      "Samples a second of sounds that the model reads; files of another rate are brought to it. Without it that of "
        + "most files.", valueName: "Hz"))
  var rate: Int?

  func options(readsSequences: Bool) -> PreprocessingOptions {
    var options = PreprocessingOptions()
    (options.scaling, options.imputation, options.clip, options.encoding) = (
      scale, impute, clipFeatures, encode
    )
    options.text = textEncoding ?? (readsSequences ? .tokens : .tfidf)
    (options.vocabulary, options.ngrams, options.buckets, options.length) = (
      vocabulary, ngrams, buckets, length
    )
    (options.imageSize, options.isGray) = (imageSize, gray)
    (options.bands, options.rate, options.seconds) = (bands, rate, seconds)
    options.soundsAreSequences = readsSequences
    return options
  }

  /// What an option may be; more has no use, and would only fill the memory.
  private var bounded: [(name: String, value: Int?, most: Int)] {
    [
      ("vocabulary", vocabulary, 1_000_000), ("ngrams", ngrams, 8), ("buckets", buckets, 1_000_000),
      ("length", length, 65_536), ("image-size", imageSize, 4096), ("bands", bands, 512),
      ("rate", rate, 768_000),
    ]
  }

  func validate() throws {
    for (name, value, most) in bounded {
      if let value, !(1...most ~= value) {
        throw ValidationError("--\(name) needs a number from 1 to \(most), not \(value)")
      }
    }
    if let seconds, !(seconds > 0 && seconds <= 3600) {
      throw ValidationError("--seconds needs a positive number, at most 3600, not \(seconds)")
    }
    if let clipFeatures, !(clipFeatures > 0) {
      throw ValidationError("--clip-features needs a positive number, not \(clipFeatures)")
    }
  }
}

extension PreprocessingOptions.Scaling: ExpressibleByArgument {}
extension PreprocessingOptions.Imputation: ExpressibleByArgument {}
extension PreprocessingOptions.Encoding: ExpressibleByArgument {}
extension PreprocessingOptions.TextEncoding: ExpressibleByArgument {}
