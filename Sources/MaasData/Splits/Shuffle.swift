import MaasOps

/// What random numbers of a seed are for: each use has streams that no other has, beside those of the trainer.
enum RandomUse {
  static let groups: UInt32 = 0x6000_0000
  static let repetitions: UInt32 = 0x6100_0000
  static let pictures: UInt32 = 0x6200_0000
}

/// The elements in an order that seed and stream decide.
func shuffled<T>(_ elements: [T], seed: Int64, stream: UInt32) -> [T] {
  var random = PhiloxStream(seed: seed, stream: stream)
  return random.permutation(elements.count).map { elements[$0] }
}
