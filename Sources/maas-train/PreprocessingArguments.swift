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

  func options(readsSequences: Bool) -> PreprocessingOptions {
    var options = PreprocessingOptions()
    (options.scaling, options.imputation, options.clip, options.encoding) = (
      scale, impute, clipFeatures, encode
    )
    options.text = textEncoding ?? (readsSequences ? .tokens : .tfidf)
    (options.vocabulary, options.ngrams, options.buckets, options.length) = (
      vocabulary, ngrams, buckets, length
    )
    (options.imageSize, options.isGray, options.bands, options.seconds) = (imageSize, gray, bands, seconds)
    options.soundsAreSequences = readsSequences
    return options
  }

  func validate() throws {
    let counts = [
      ("vocabulary", vocabulary), ("ngrams", ngrams), ("buckets", buckets), ("length", length),
      ("bands", bands),
      ("image-size", imageSize ?? 1),
    ]
    if let (name, count) = counts.first(where: { $0.1 < 1 }) {
      throw ValidationError("--\(name) needs a positive number, not \(count)")
    }
    if let seconds, !(seconds > 0) {
      throw ValidationError("--seconds needs a positive number, not \(seconds)")
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
