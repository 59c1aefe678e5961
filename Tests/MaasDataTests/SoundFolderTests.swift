import Foundation
import MaasCore
import Testing

@testable import MaasData

/// A folder with the sounds a/0.wav, a/1.wav … of these rates and of a tenth of a second, and one b/0.wav.
private func withSounds<R>(_ rates: [Int], _ body: (String) throws -> R) throws -> R {
  let folder = FileManager.default.temporaryDirectory.appending(path: "maas-\(UUID().uuidString)")
  defer { try? FileManager.default.removeItem(at: folder) }
  for name in ["a", "b"] {
    let own = folder.appending(path: name)
    try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
    for (i, rate) in rates.enumerated() where name == "a" || i == 0 {
      let data = (0..<max(1, rate / 10)).flatMap { _ in little(Int16(8192)) }
      try Data(wave(1, bits: 16, rate: rate, data)).write(to: own.appending(path: "\(i).wav"))
    }
  }
  return try body(folder.path)
}

@Suite struct SoundFolders {
  @Test func rateIsThatOfMostFiles() throws {
    try withSounds([16000, 8000, 8000, 16000, 8000]) { path in
      // Three of each, as b has one of 16000: the lower one.
      let sounds = try SoundFolder(FolderListing(path))
      #expect(sounds.rate == 8000 && sounds.resampled == 3)
      for sample in 0..<sounds.count {
        let raw = try sounds.raw([sample])[0]
        #expect(raw.shape == [1, 800] && abs(raw.elements(as: Float.self)[400] - 0.25) < 1e-6)
      }
    }
  }

  @Test func rateIsAsAskedFor() throws {
    try withSounds([8000, 11025]) { path in
      let sounds = try SoundFolder(FolderListing(path), rate: 16000)
      let shape = try sounds.raw([1])[0].shape
      #expect(sounds.rate == 16000 && sounds.resampled == 3 && shape == [1, 1600])
    }
  }

  @Test func rateFarAwayIsRefused() throws {
    try withSounds([8000, 8000, 100]) { path in
      let message = failure { _ = try SoundFolder(FolderListing(path)) }
      #expect(message.hasPrefix("the sound's rate is too far from that of the model"))
    }
  }
}
