import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// MT19937 of Matsumoto and Nishimura (1998), with the streams of NumPy's `RandomState`: the same seed gives the
/// same numbers as there, which ONNX's training tests and reference implementation are built on.
struct MersenneTwister {
  private static let size = 624
  private var state = InlineArray<624, UInt32>(repeating: 0)
  private var position = size
  private var spare: Double?

  init(seed: UInt32) {
    var value = seed
    for i in 0..<Self.size {
      state[i] = value
      value = 1_812_433_253 &* (value ^ (value >> 30)) &+ UInt32(i + 1)
    }
  }

  private mutating func word() -> UInt32 {
    if position == Self.size { twist() }
    var y = state[position]
    position += 1
    y ^= y >> 11
    y ^= (y << 7) & 0x9d2c_5680
    y ^= (y << 15) & 0xefc6_0000
    return y ^ (y >> 18)
  }

  private mutating func twist() {
    for i in 0..<Self.size {
      let y = (state[i] & 0x8000_0000) | (state[(i + 1) % Self.size] & 0x7fff_ffff)
      state[i] = state[(i + 397) % Self.size] ^ (y >> 1) ^ (y & 1 == 0 ? 0 : 0x9908_b0df)
    }
    position = 0
  }

  /// Uniform in [0, 1), with 53 bits.
  mutating func uniform() -> Double {
    let (high, low) = (word() >> 5, word() >> 6)
    return (Double(high) * 0x1p26 + Double(low)) * 0x1p-53
  }

  /// Normal with mean 0 and deviation 1, by Marsaglia's polar method; every second number is the first one's twin.
  mutating func normal() -> Double {
    if let twin = spare {
      spare = nil
      return twin
    }
    while true {
      let (x, y) = (2 * uniform() - 1, 2 * uniform() - 1)
      let square = x * x + y * y
      if square >= 1 || square == 0 { continue }
      let log = maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_LOG, alpha: 0, beta: 0), square)
      let factor = (-2 * log / square).squareRoot()
      spare = factor * x
      return factor * y
    }
  }

  /// 1 with the given probability, else 0.
  mutating func bernoulli(_ probability: Double) -> Bool {
    return probability <= 0.5 ? uniform() > 1 - probability : uniform() <= probability
  }
}

/// Where a random operator starts: at the seed of its attribute, again in every run, or anywhere.
struct RandomSeed {
  private let isGiven: Bool
  private let value: UInt32

  init(_ seed: Int?) {
    isGiven = seed != nil
    value = UInt32(truncatingIfNeeded: seed ?? 0)
  }

  /// The float attribute of most random operators, of which the whole part counts.
  init(_ reader: inout AttributeReader) throws(MaasError) {
    let seed = try reader.float("seed")
    self.init(seed.flatMap { $0.isNaN ? nil : Int(Int64(wrapping: Double($0))) })
  }

  func generator() -> MersenneTwister { MersenneTwister(seed: isGiven ? value : maas_sys_seed()) }
}
