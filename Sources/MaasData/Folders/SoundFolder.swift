import MaasCore

/// WAV files of one rate in a folder for each class.
package final class SoundFolder: SampleSource {
  private let listing: FolderListing
  package var inputs: [RawInput] { [RawInput("audio", .sound(rate: rate), [.symbol("samples")])] }
  package let mostAtOnce = 1
  /// Samples a second, of all files.
  package let rate: Int

  package init(_ listing: FolderListing, rate: Int? = nil) throws(MaasError) {
    self.listing = listing
    if let rate { self.rate = rate } else { self.rate = try Wave(listing.files[0].path).rate }
  }

  package var path: String { listing.path }
  package var count: Int { listing.files.count }
  package var targets: Targets { listing.targets }
  package func place(_ sample: Int) -> String { listing.files[sample].path }
  package func fingerprint() throws(MaasError) -> UInt64 { try listing.fingerprint() }

  package func raw(_ samples: ArraySlice<Int>) throws(MaasError) -> [Tensor] {
    guard let sample = samples.first, samples.count == 1 else {
      throw MaasError(.internal, "sounds are read one at a time")
    }
    let wave = try wave(listing.files[sample].path)
    return [try Tensor(.float, [1, wave.samples.count], wave.samples)]
  }

  private func wave(_ path: String) throws(MaasError) -> Wave {
    let wave = try Wave(path)
    guard wave.rate == rate else {
      throw MaasError(
        .unsupported, "the sound has another rate than the first one", expected: "\(rate) samples a second",
        found: "\(wave.rate)", hint: "bring all to one rate, for instance with sox in.wav -r \(rate) out.wav"
      ).inFile(path)
    }
    if wave.samples.isEmpty {
      throw MaasError(.invalidArgument, "the sound has no samples", hint: "remove it").inFile(path)
    }
    return wave
  }
}
