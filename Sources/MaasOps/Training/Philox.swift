import CMaasKernels

/// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (2011): four random
/// words for each pair of key and counter. Any of them can be computed at any time and on any thread, so what is drawn
/// depends on nothing but its place.
package struct Philox: Sendable {
  package typealias Words = (UInt32, UInt32, UInt32, UInt32)

  private let key: (UInt32, UInt32)

  package init(key: (UInt32, UInt32)) { self.key = key }

  package init(seed: Int64) {
    self.init(key: (UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)))
  }

  /// The words of a counter.
  package func words(_ counter: Words) -> Words {
    var (words, key) = (counter, key)
    for _ in 0..<10 {
      let (a, b) = (
        UInt64(0xd251_1f53) * UInt64(words.0), UInt64(0xcd9e_8d57) * UInt64(words.2)
      )
      words = (
        UInt32(truncatingIfNeeded: b >> 32) ^ words.1 ^ key.0, UInt32(truncatingIfNeeded: b),
        UInt32(truncatingIfNeeded: a >> 32) ^ words.3 ^ key.1, UInt32(truncatingIfNeeded: a)
      )
      key = (key.0 &+ 0x9e37_79b9, key.1 &+ 0xbb67_ae85)
    }
    return words
  }

  /// The words of block `block` of a stream at a step.
  package func words(_ block: UInt64, step: UInt32, stream: UInt32) -> Words {
    words((UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32), step, stream))
  }
}

/// The numbers of one stream of a generator at one step, in order.
package struct PhiloxStream {
  private let generator: Philox
  private let step, stream: UInt32
  private var block: UInt64 = 0
  private var words: Philox.Words = (0, 0, 0, 0)
  private var used = 4

  package init(seed: Int64, stream: UInt32, step: Int64 = 0) {
    generator = Philox(seed: seed)
    (self.stream, self.step) = (stream, UInt32(truncatingIfNeeded: step))
  }

  package mutating func word() -> UInt32 {
    if used == 4 {
      words = generator.words(block, step: step, stream: stream)
      block &+= 1
      used = 0
    }
    used += 1
    return switch used {
    case 1: words.0
    case 2: words.1
    case 3: words.2
    default: words.3
    }
  }

  /// Uniform in [0, 1), with 53 bits.
  package mutating func uniform() -> Double {
    let (high, low) = (UInt64(word()), UInt64(word()))
    return Double((high << 32 | low) >> 11) * 0x1p-53
  }

  /// Normal with mean 0 and deviation 1, by the method of Box and Muller; the other number of each pair is let go.
  package mutating func normal() -> Double {
    let (u, v) = (1 - uniform(), uniform())
    let log = maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_LOG, alpha: 0, beta: 0), u)
    let cosine = maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_COS, alpha: 0, beta: 0), 2 * Double.pi * v)
    return (-2 * log).squareRoot() * cosine
  }

  /// A number below `limit`, which is at least 1, each as likely as the others: Lemire's method.
  package mutating func below(_ limit: Int) -> Int {
    let limit = UInt64(max(1, limit))
    while true {
      let product = (UInt64(word()) << 32 | UInt64(word())).multipliedFullWidth(by: limit)
      if product.low >= limit || product.low >= (0 &- limit) % limit { return Int(product.high) }
    }
  }

  /// 0..<count in random order: the shuffle of Fisher and Yates.
  package mutating func permutation(_ count: Int) -> [Int] {
    var order = Array(0..<max(0, count))
    for i in order.indices.dropFirst().reversed() { order.swapAt(i, below(i + 1)) }
    return order
  }
}
