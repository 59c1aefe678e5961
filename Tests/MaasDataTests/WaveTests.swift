import MaasCore
import Testing

@testable import MaasData

func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

/// A file of one `fmt ` chunk, an odd one that nobody knows, and the data.
func wave(_ tag: Int, bits: Int, channels: Int = 1, rate: Int = 8000, _ data: [UInt8]) -> [UInt8] {
  let frame = channels * bits / 8
  let format: [UInt8] =
    little(UInt16(tag)) + little(UInt16(channels)) + little(UInt32(rate)) + little(UInt32(rate * frame))
    + little(UInt16(frame)) + little(UInt16(bits))
  var body = Array("WAVEfmt ".utf8) + little(UInt32(format.count)) + format
  body += Array("LIST".utf8) + little(UInt32(1)) + [9, 0]
  body += Array("data".utf8) + little(UInt32(data.count)) + data
  return Array("RIFF".utf8) + little(UInt32(body.count)) + body
}

@Suite struct Waves {
  @Test(arguments: [
    (1, 8, [128, 255, 0] as [UInt8], [0, 127.0 / 128, -1] as [Float]),
    (1, 16, little(Int16(0)) + little(Int16(16384)) + little(Int16(-32768)), [0, 0.5, -1]),
    (1, 24, [0, 0, 0, 0, 0, 0x40, 0, 0, 0x80], [0, 0.5, -1]),
    (1, 32, little(Int32(0)) + little(Int32(1 << 30)) + little(Int32.min), [0, 0.5, -1]),
    (
      3, 32, little(Float(0).bitPattern) + little(Float(0.25).bitPattern) + little(Float(-1).bitPattern),
      [0, 0.25, -1]
    ),
    (3, 64, little(0.0.bitPattern) + little(0.25.bitPattern) + little((-1.0).bitPattern), [0, 0.25, -1]),
  ])
  func codings(tag: Int, bits: Int, data: [UInt8], expected: [Float]) throws {
    try withFile(wave(tag, bits: bits, data), ending: "wav") { path in
      let wave = try Wave(path)
      #expect(wave.samples == expected && wave.rate == 8000)
    }
  }

  @Test func channelsAreMixed() throws {
    let data = little(Int16(16384)) + little(Int16(0)) + little(Int16(-16384)) + little(Int16(-16384))
    try withFile(wave(1, bits: 16, channels: 2, data), ending: "wav") { path in
      let found = try Wave(path).samples
      #expect(found == [0.25, -0.5])
    }
  }

  @Test(arguments: [
    (wave(6, bits: 8, [0]), "the sound is coded in a way that is not read"),
    (Array(wave(1, bits: 16, [0, 0]).dropLast()), "the WAV file is damaged: its chunk 'data' is cut"),
    (Array("RIFX".utf8), "this is no WAV file"),
    ([], "this is no WAV file"),
  ])
  func damage(bytes: [UInt8], problem: String) throws {
    try withFile(bytes, ending: "wav") { path in
      let message = failure { _ = try Wave(path) }
      #expect(message.hasPrefix(problem))
    }
  }
}
