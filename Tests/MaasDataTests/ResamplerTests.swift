import Foundation
import MaasCore
import Testing

@testable import MaasData

/// `count` samples of a sine wave.
private func tone(_ frequency: Double, rate: Int, _ count: Int) -> [Float] {
  (0..<count).map { Float(sin(2 * .pi * frequency * Double($0) / Double(rate))) }
}

/// The largest difference, the ends left out, where silence begins.
private func difference(_ a: [Float], _ b: [Float]) -> Float {
  zip(a, b).dropFirst(a.count / 5).dropLast(a.count / 5).reduce(0) { max($0, abs($1.0 - $1.1)) }
}

@Suite struct Resamplers {
  /// Up, down, by rates with few and with many phases, and by more phases than are kept.
  @Test(arguments: [
    (8000, 16000), (16000, 8000), (44100, 16000), (16000, 44100), (48000, 8000), (22050, 8001),
    (1000, 65_537),
  ])
  func whatBothRatesHoldStays(from: Int, to: Int) {
    for part in [0.01, 0.2, 0.4] {
      let frequency = part * Double(min(from, to))
      let found = Resampler(from: from, to: to).resampled(tone(frequency, rate: from, from / 4))
      let expected = tone(frequency, rate: to, found.count)
      #expect(found.count == (from / 4 * to + from - 1) / from)
      #expect(difference(found, expected) < 2e-4, "\(from) to \(to), \(frequency) Hz")
    }
  }

  @Test(arguments: [(16000, 8000), (44100, 16000), (48000, 8000)])
  func whatTheNewRateCannotHoldIsLeftOut(from: Int, to: Int) {
    for part in [0.51, 0.6, 0.9] {
      let found = Resampler(from: from, to: to).resampled(tone(part * Double(to), rate: from, from / 4))
      #expect(difference(found, [Float](repeating: 0, count: found.count)) < 2e-4)
    }
  }

  @Test func whatDoesNotChangeStays() {
    let found = Resampler(from: 44100, to: 16000).resampled([Float](repeating: 0.5, count: 4410))
    #expect(difference(found, [Float](repeating: 0.5, count: found.count)) < 1e-6)
    #expect(Resampler(from: 8000, to: 8000).resampled([1, 2, 3]) == [1, 2, 3])
    #expect(Resampler(from: 8000, to: 16000).resampled([]) == [])
  }
}
