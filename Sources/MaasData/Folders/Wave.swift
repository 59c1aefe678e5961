import MaasCore

/// The samples of a WAV file, mixed down to one channel, from -1 to 1.
///
/// Source of the format: Multimedia Programming Interface and Data Specifications 1.0 (IBM and Microsoft, 1991) and
/// WAVEFORMATEXTENSIBLE.
package struct Wave {
  package let rate: Int
  package let samples: [Float]

  package init(_ path: String) throws(MaasError) {
    (rate, samples) = try Wave.parts(path) { format, data in (format.rate, format.mono(data)) }
  }

  /// What a file says of its rate.
  package static func rate(of path: String) throws(MaasError) -> Int {
    try parts(path) { format, _ in format.rate }
  }

  private static func parts<R>(
    _ path: String, _ body: (WaveFormat, UnsafeRawBufferPointer) -> R
  ) throws(MaasError) -> R {
    do {
      let file = try MappedFile(path)
      var reader = RIFFReader(file.bytes)
      let (format, data) = try reader.parts()
      return withExtendedLifetime(file) { body(format, data) }
    } catch {
      throw error.inFile(path)
    }
  }
}

/// What the `fmt ` chunk says.
private struct WaveFormat {
  enum Coding {
    case unsigned8, int16, int24, int32, float32, float64
  }

  let coding: Coding
  let channels: Int
  let rate: Int

  private static let codings: [(tag: UInt16, bits: UInt16, coding: Coding)] = [
    (1, 8, .unsigned8), (1, 16, .int16), (1, 24, .int24), (1, 32, .int32), (3, 32, .float32),
    (3, 64, .float64),
  ]

  init(_ chunk: UnsafeRawBufferPointer) throws(MaasError) {
    guard chunk.count >= 16 else { throw damaged("its format chunk has \(chunk.count) bytes") }
    func half(_ at: Int) -> UInt16 {
      UInt16(littleEndian: chunk.loadUnaligned(fromByteOffset: at, as: UInt16.self))
    }
    var tag = half(0)
    if tag == 0xfffe, chunk.count >= 26 { tag = half(24) }
    let bits = half(14)
    guard let row = Self.codings.first(where: { $0.tag == tag && $0.bits == bits }) else {
      throw MaasError(
        .unsupported, "the sound is coded in a way that is not read",
        expected: "PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64",
        found: "format \(tag) of \(bits) bits",
        hint: "convert it, for instance with sox in.wav -b 16 out.wav")
    }
    coding = row.coding
    channels = Int(half(2))
    rate = Int(UInt32(littleEndian: chunk.loadUnaligned(fromByteOffset: 4, as: UInt32.self)))
    guard channels > 0, rate > 0 else {
      throw damaged("it has \(channels) channels and \(rate) samples a second")
    }
  }

  private var width: Int {
    switch coding {
    case .unsigned8: 1
    case .int16: 2
    case .int24: 3
    case .int32, .float32: 4
    case .float64: 8
    }
  }

  func mono(_ data: UnsafeRawBufferPointer) -> [Float] {
    let frame = width * channels
    return (0..<data.count / frame).map { i in
      var sum = 0.0
      for channel in 0..<channels { sum += value(data, i * frame + channel * width) }
      return Float(sum / Double(channels))
    }
  }

  private func value(_ data: UnsafeRawBufferPointer, _ at: Int) -> Double {
    func load<T: FixedWidthInteger & BitwiseCopyable>(_: T.Type) -> T {
      T(littleEndian: data.loadUnaligned(fromByteOffset: at, as: T.self))
    }
    switch coding {
    case .unsigned8: return (Double(data[at]) - 128) / 128
    case .int16: return Double(load(Int16.self)) / 0x8000
    case .int24:
      let low = Int32(data[at]) | Int32(data[at + 1]) << 8
      return Double(low | Int32(Int8(bitPattern: data[at + 2])) << 16) / 0x80_0000
    case .int32: return Double(load(Int32.self)) / 0x8000_0000
    case .float32: return Double(Float(bitPattern: load(UInt32.self)))
    case .float64: return Double(bitPattern: load(UInt64.self))
    }
  }
}

/// Chunks of a RIFF file.
private struct RIFFReader {
  private let bytes: UnsafeRawBufferPointer
  private var at = 12

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func parts() throws(MaasError) -> (format: WaveFormat, data: UnsafeRawBufferPointer) {
    guard bytes.count >= 12, text(0) == "RIFF", text(8) == "WAVE" else {
      throw MaasError(
        .invalidArgument, "this is no WAV file", expected: "RIFF and WAVE in its first 12 bytes",
        found: bytes.isEmpty ? "an empty file" : nil)
    }
    var format: WaveFormat?
    while at + 8 <= bytes.count {
      let (name, size) = (
        text(at), Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: at + 4, as: UInt32.self)))
      )
      guard size <= bytes.count - at - 8 else { throw damaged("its chunk '\(name)' is cut") }
      let chunk = UnsafeRawBufferPointer(rebasing: bytes[at + 8..<at + 8 + size])
      if name == "fmt " { format = try WaveFormat(chunk) }
      if name == "data", let format { return (format, chunk) }
      at += 8 + size + size % 2
    }
    throw damaged(format == nil ? "it has no format chunk" : "it has no data chunk")
  }

  private func text(_ at: Int) -> String { String(decoding: bytes[at..<at + 4], as: UTF8.self) }
}

private func damaged(_ how: String) -> MaasError {
  MaasError(.invalidArgument, "the WAV file is damaged: \(how)")
}
