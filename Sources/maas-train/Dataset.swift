import MaasCore
import MaasData

/// All samples, and what they are for.
struct Dataset {
  /// Samples of a source.
  struct Part {
    let source: any SampleSource
    let samples: [Int]
  }

  let training: Part
  let validation: Part?
  let test: Part?

  /// Sounds are brought to `rate`, if it is given.
  init(_ path: String, _ arguments: DataArguments, seed: Int64, rate: Int?) throws(MaasError) {
    let source = try Dataset.source(path, arguments, rate)
    try Dataset.checkClasses(source)
    let split = Split(
      source.targets, count: source.count, validation: arguments.validation.fraction,
      test: arguments.test.fraction,
      seed: seed)
    guard !split.training.isEmpty else {
      throw MaasError(
        .invalidArgument, "no samples are left to learn from",
        expected: "more samples, or smaller --validation and --test",
        found: "\(source.count) samples"
      ).inFile(path)
    }
    training = Part(source: source, samples: split.training)
    validation = try Dataset.part(arguments.validation, split.validation, source, "--validation")
    test = try Dataset.part(arguments.test, split.test, source, "--test")
  }

  private static func part(
    _ heldOut: HeldOut, _ samples: [Int], _ source: any SampleSource, _ option: String
  ) throws(MaasError) -> Part? {
    guard let path = heldOut.path else {
      if heldOut.fraction > 0, samples.isEmpty {
        throw MaasError(
          .invalidArgument, "\(option) \(heldOut) of \(source.count) samples is none",
          expected: "at least one sample",
          hint: "give it more samples, or say \(option) 0"
        ).inFile(source.path)
      }
      return samples.isEmpty ? nil : Part(source: source, samples: samples)
    }
    let other = try like(source, path)
    return Part(source: other, samples: Array(0..<other.count))
  }

  /// The same kind of data elsewhere.
  private static func like(_ source: any SampleSource, _ path: String) throws(MaasError) -> any SampleSource {
    switch source {
    case let table as TableSource: return try TableSource(path, like: table)
    case let array as ArraySource: return try ArraySource(path, like: array)
    case let sound as SoundFolder:
      return try SoundFolder(FolderListing(path, like: source.targets.classNames), rate: sound.rate)
    case is ImageFolder: return try ImageFolder(try FolderListing(path, like: source.targets.classNames))
    default: return TextFolder(try FolderListing(path, like: source.targets.classNames))
    }
  }

  private static func source(
    _ path: String, _ arguments: DataArguments, _ rate: Int?
  ) throws(MaasError) -> any SampleSource {
    if isFolder(path) {
      let listing = try FolderListing(path)
      switch try listing.kind() {
      case .images: return try ImageFolder(listing)
      case .texts: return TextFolder(listing)
      case .sounds: return try SoundFolder(listing, rate: rate)
      }
    }
    if path.hasSuffix(".npy") || path.hasSuffix(".npz") {
      return try ArraySource(path, target: arguments.target, task: arguments.task)
    }
    return try arguments.tableOptions.read(path)
  }

  private static func checkClasses(_ source: any SampleSource) throws(MaasError) {
    guard case .classes(_, let names) = source.targets, names.count < 2 else { return }
    throw MaasError(
      .invalidArgument, "all samples are of one class", expected: "at least two classes",
      found: listed(names),
      hint: "is it the right target? numbers are learned with --task regression"
    ).inFile(source.path)
  }

  /// The sources, each once.
  var sources: [any SampleSource] {
    var sources: [any SampleSource] = [training.source]
    for part in [validation, test].compactMap({ $0 }) where !sources.contains(where: { $0 === part.source }) {
      sources.append(part.source)
    }
    return sources
  }
}
