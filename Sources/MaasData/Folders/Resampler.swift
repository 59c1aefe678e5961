import Glibc

/// Brings a sound to another rate: what both rates can hold stays, what only the first one can is left out.
///
/// Between samples stands the sum of sinc functions (Shannon 1949), lower where the new rate holds less, each cut by
/// Kaiser's window. The distances of new samples from old ones repeat after `up` new samples: each has its weights, a
/// phase.
package struct Resampler {
  /// Both rates without their common divisor: `up` new samples take as long as `down` old ones.
  private let up, down: Int
  /// The part of the old rate's frequencies that stays.
  private let cutoff: Double
  /// Old samples on each side of a new one that count for it.
  private let reach: Int
  /// The weights of phases, made once where they are few.
  private let phases: [[Float]]

  /// Zeros of the sinc on each side, the window's shape, and where the sinc falls, as a part of what the lower rate
  /// can hold: all that is below 0.84 of that stays, of what is above it 90 dB less is left.
  private static let (zeros, beta, passed) = (32.0, 9.0, 0.92)
  private static let mostKept = 1 << 22

  package init(from: Int, to: Int) {
    var (a, b) = (from, to)
    while b > 0 { (a, b) = (b, a % b) }
    (up, down) = (to / a, from / a)
    cutoff = Self.passed * min(1, Double(up) / Double(down))
    reach = Int((Self.zeros / cutoff).rounded(.up))
    let (cutoff, reach, up) = (cutoff, reach, up)
    let isSmall = up <= Self.mostKept / (2 * reach)
    phases = isSmall ? (0..<up).map { Self.weights($0, of: up, cutoff, reach) } : []
  }

  /// The sound in the new rate, as long as before. Before it and behind it is silence.
  package func resampled(_ sound: [Float]) -> [Float] {
    if up == down { return sound }
    let count = (sound.count * up + down - 1) / down
    return sound.withUnsafeBufferPointer { sound in
      (0..<count).map { i in sample(sound, before: i * down / up, phase: i * down % up) }
    }
  }

  private func sample(_ sound: UnsafeBufferPointer<Float>, before: Int, phase: Int) -> Float {
    let weights = phases.isEmpty ? Self.weights(phase, of: up, cutoff, reach) : phases[phase]
    let first = before - reach + 1
    var sum: Float = 0
    for at in max(0, first)..<max(0, min(sound.count, first + weights.count)) {
      sum += sound[at] * weights[at - first]
    }
    return sum
  }

  /// Of the old samples from `reach - 1` before to `reach` behind a place that is `phase / up` behind an old sample.
  /// Their sum is 1, so that what does not change stays what it is.
  private static func weights(_ phase: Int, of up: Int, _ cutoff: Double, _ reach: Int) -> [Float] {
    let place = Double(phase) / Double(up)
    let weights = (1 - reach...reach).map { offset -> Double in
      let x = Double(offset) - place
      return sinc(cutoff * x) * window(x / Double(reach))
    }
    let sum = weights.reduce(0, +)
    return weights.map { Float($0 / sum) }
  }

  private static func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(.pi * x) / (.pi * x) }

  /// Kaiser's, 1 in the middle and 0 from a distance of 1 on.
  private static func window(_ x: Double) -> Double {
    abs(x) >= 1 ? 0 : bessel(beta * (1 - x * x).squareRoot()) / middle
  }

  private static let middle = bessel(beta)

  /// The modified Bessel function of the first kind and order 0, by its power series.
  private static func bessel(_ x: Double) -> Double {
    var (sum, term, k) = (1.0, 1.0, 1.0)
    while term > 1e-12 * sum {
      term *= (x / (2 * k)) * (x / (2 * k))
      sum += term
      k += 1
    }
    return sum
  }
}
