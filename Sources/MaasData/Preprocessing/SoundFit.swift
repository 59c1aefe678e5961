import Glibc
import MaasCore
import MaasGraph

/// What the training data tell of sounds, and their mel spectrograms.
struct SoundFit {
  private let options: PreprocessingOptions
  private let rate: Int
  private var longest = 0
  private var moments = ColumnMoments()

  init(_ options: PreprocessingOptions, rate: Int) { (self.options, self.rate) = (options, rate) }

  mutating func add(_ sound: Tensor) { longest = max(longest, sound.shape[1]) }

  /// Adds energies of a spectrogram, when all sounds have been added.
  mutating func add(energies: Tensor) {
    let numbers = energies.bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<energies.count { moments.add(Double(numbers[i])) }
  }

  /// Samples that are heard; at least one frame.
  private var length: Int {
    max(frame, options.seconds.map { Int(min($0 * Double(rate), 1e12)) } ?? longest)
  }

  /// Samples of a frame: about 32 ms, a power of two. Half of them are the step to the next.
  private var frame: Int {
    var frame = 64
    while frame * 2 <= rate * 40 / 1000 { frame *= 2 }
    return frame
  }

  /// [batch, samples] to the logarithms of energies, [batch, frames, bands].
  func addEnergies(to builder: inout ONNXBuilder, _ sound: ValueID, _ name: String) throws(MaasError)
    -> ValueID
  {
    let fitted = try builder.fit(sound, to: length, name)
    let signal = try builder.add(
      "Unsqueeze", [fitted, try builder.integers("\(name)/last", [2])], "\(name)/signal")
    let spectra = try builder.add(
      "STFT",
      [
        signal, try builder.scalar("\(name)/step", .int64, Int64(frame / 2)),
        try builder.floats("\(name)/window", window),
        try builder.scalar("\(name)/frame", .int64, Int64(frame)),
      ], "\(name)/spectra", [.init("onesided", .int(1))])
    let power = try builder.add(
      "ReduceSumSquare", [spectra], "\(name)/power", [.init("axes", .ints([3])), .init("keepdims", .int(0))])
    let bands = try builder.add("MatMul", [power, try mel(&builder, name)], "\(name)/bands")
    let floor = try builder.add(
      "Add", [bands, try builder.scalar("\(name)/floor", .float, Float(1e-6))], "\(name)/floored")
    return try builder.add("Log", [floor], "\(name)/energies")
  }

  private func mel(_ builder: inout ONNXBuilder, _ name: String) throws(MaasError) -> ValueID {
    try builder.add(
      "MelWeightMatrix",
      [
        try builder.scalar("\(name)/bins", .int64, Int64(options.bands)),
        try builder.scalar("\(name)/transform", .int64, Int64(frame)),
        try builder.scalar("\(name)/rate", .int64, Int64(rate)),
        try builder.scalar("\(name)/lowest", .float, Float(0)),
        try builder.scalar("\(name)/highest", .float, Float(rate) / 2),
      ], "\(name)/mel", [.init("output_datatype", .int(1))])
  }

  /// Energies around 0: [batch, frames, bands], or a picture of one channel.
  func add(to builder: inout ONNXBuilder, _ sound: ValueID, _ name: String) throws(MaasError) -> ValueID {
    let energies = try addEnergies(to: &builder, sound, name)
    let mean = try builder.scalar("\(name)/mean", .float, Float(moments.mean))
    let scale = try builder.scalar(
      "\(name)/scale", .float, moments.deviation > 0 ? Float(1 / moments.deviation) : 1)
    let centered = try builder.add("Sub", [energies, mean], "\(name)/centered")
    let scaled = try builder.add("Mul", [centered, scale], "\(name)/scaled")
    if options.soundsAreSequences { return scaled }
    return try builder.add(
      "Unsqueeze", [scaled, try builder.integers("\(name)/channel", [1])], "\(name)/picture")
  }

  /// Hann's.
  private var window: [Float] {
    (0..<frame).map { Float(0.5 - 0.5 * cos(2 * .pi * Double($0) / Double(frame))) }
  }
}
