import MaasCore

/// WAV files in a folder for each class, brought to one rate.
package final class SoundFolder: ListedSource {
  package let listing: FolderListing
  package var inputs: [RawInput] { [RawInput("audio", .sound(rate: rate), [.symbol("samples")])] }
  package let mostAtOnce = 1
  /// Samples a second of all sounds as they are given, and of the files.
  package let rate: Int
  private let rates: [Int]
  /// By the rate of the file.
  private let resamplers: [Int: Resampler]

  /// Rates that a file may have as a multiple, or a part, of what it is brought to.
  private static let mostRatio = 64

  /// Without a `rate` the sounds have the one that most files have, of several the lowest.
  package init(_ listing: FolderListing, rate: Int? = nil) throws(MaasError) {
    self.listing = listing
    rates = try listing.files.map { (file) throws(MaasError) in try Wave.rate(of: file.path) }
    let chosen = rate ?? Self.usual(rates)
    self.rate = chosen
    for (file, rate) in zip(listing.files, rates)
    where max(rate, chosen) / min(rate, chosen) >= Self.mostRatio {
      throw MaasError(
        .unsupported, "the sound's rate is too far from that of the model",
        expected: "about \(chosen) samples a second",
        found: "\(rate)", hint: "is the file damaged? see also --rate"
      ).inFile(file.path)
    }
    var resamplers: [Int: Resampler] = [:]
    for rate in Set(rates) where rate != chosen { resamplers[rate] = Resampler(from: rate, to: chosen) }
    self.resamplers = resamplers
  }

  private static func usual(_ rates: [Int]) -> Int {
    let counts = Dictionary(rates.map { ($0, 1) }, uniquingKeysWith: +)
    return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0
  }

  /// How many files have another rate.
  package var resampled: Int { rates.count { $0 != rate } }

  package func raw(_ samples: ArraySlice<Int>) throws(MaasError) -> [Tensor] {
    guard let sample = samples.first, samples.count == 1 else {
      throw MaasError(.internal, "sounds are read one at a time")
    }
    let path = listing.files[sample].path
    let wave = try Wave(path)
    if wave.samples.isEmpty {
      throw MaasError(.invalidArgument, "the sound has no samples", hint: "remove it").inFile(path)
    }
    let sound = resamplers[wave.rate]?.resampled(wave.samples) ?? wave.samples
    return [try Tensor(.float, [1, sound.count], sound)]
  }
}
