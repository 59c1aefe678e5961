import MaasOps

/// How the learning rate goes on from what the options say.
public struct Schedule: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case constant, step, exponential, cosine
    case oneCycle = "one-cycle"
    case plateau
  }

  public var kind: Kind
  /// What the rate is multiplied by: every `period` epochs (step), each epoch (exponential), when the loss stays
  /// (plateau).
  public var factor: Double
  /// Epochs between two steps; epochs without a better loss before the rate falls (plateau).
  public var period: Int
  /// The part of the rate that cosine ends with.
  public var end = 0.0
  /// Steps in which the rate first rises to its value.
  public var warmUp = 0

  public init(_ kind: Kind) {
    self.kind = kind
    factor = kind == .exponential ? 0.95 : 0.1
    period = 10
  }

  public static let constant = Schedule(.constant)
}

/// Where a fit is.
struct SchedulePlace {
  /// Steps taken before, of how many in all.
  let step, steps: Int
  let stepsPerEpoch: Int
  /// How often a plateau has made the rate fall.
  let falls: Int
}

extension Schedule {
  /// What the learning rate is multiplied by for a step.
  func scale(_ place: SchedulePlace) -> Double {
    if place.step < warmUp { return Double(place.step + 1) / Double(warmUp) }
    let done = Double(place.step - warmUp) / Double(max(1, place.steps - warmUp))
    let epoch = place.step / max(1, place.stepsPerEpoch)
    switch kind {
    case .constant: return 1
    case .step: return power(factor, epoch / max(1, period))
    case .exponential: return power(factor, epoch)
    case .plateau: return power(factor, place.falls)
    case .cosine: return between(1, end, min(1, done))
    case .oneCycle: return oneCycle(place)
    }
  }

  /// From a twenty-fifth up to the rate in three tenths of the steps, then down to nearly nothing; by Smith.
  private func oneCycle(_ place: SchedulePlace) -> Double {
    let (first, last) = (1.0 / 25, 1.0 / 25 / 1e4)
    let peak = 0.3 * Double(place.steps - warmUp) - 1
    let (step, final) = (Double(place.step - warmUp), Double(place.steps - warmUp - 1))
    if step <= peak { return between(first, 1, peak > 0 ? step / peak : 1) }
    return between(1, last, min(1, (step - peak) / max(1, final - peak)))
  }

  /// Along half a cosine from `a` to `b`.
  private func between(_ a: Double, _ b: Double, _ part: Double) -> Double {
    b + (a - b) * (1 + cosine(Double.pi * part)) / 2
  }

  private func power(_ base: Double, _ exponent: Int) -> Double { MaasOps.power(base, Double(exponent)) }
}
