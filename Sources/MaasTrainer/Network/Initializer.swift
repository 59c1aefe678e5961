import MaasCore
import MaasOps

/// How parameters begin.
enum Initializer {
  case zeros, ones
  /// Uniform, by Glorot and Bengio: variance 2 / (in + out).
  case glorot(Int, Int)
  /// Uniform, by He and others: variance 2 / in.
  case he(Int)
  case normal(Double)
  /// Uniform up to a limit.
  case limited(Double)
  /// Square blocks of this size, one below the other, each orthogonal; by Saxe and others.
  case orthogonal(Int)

  /// Parameter number `stream` of a network draws numbers of its own.
  func tensor(_ shape: [Int], seed: Int64, stream: UInt32) throws(MaasError) -> Tensor {
    let tensor = try Tensor(.float, shape)
    let values = UnsafeMutableBufferPointer(
      start: tensor.bytes.assumingMemoryBound(to: Float.self), count: tensor.count)
    var random = PhiloxStream(seed: seed, stream: RandomUse.parameters + stream)
    func draw(_ next: () -> Double) { for i in values.indices { values[i] = Float(next()) } }
    func uniform(_ limit: Double) { draw { (2 * random.uniform() - 1) * limit } }
    switch self {
    case .zeros: values.update(repeating: 0)
    case .ones: values.update(repeating: 1)
    case .glorot(let input, let output): uniform((6 / Double(max(1, input + output))).squareRoot())
    case .he(let input): uniform((6 / Double(max(1, input))).squareRoot())
    case .limited(let limit): uniform(limit)
    case .normal(let deviation): draw { deviation * random.normal() }
    case .orthogonal(let size):
      draw { random.normal() }
      for block in 0..<tensor.count / max(1, size * size) {
        try tensor.view([size, size], at: block * size * size).makeOrthonormal()
      }
    }
    return tensor
  }
}

/// What draws random numbers, so that no two draw the same ones.
enum RandomUse {
  static let shuffle: UInt32 = 1
  /// Dropout has a stream for each place of a network.
  static let dropout: UInt32 = 1 << 16
  static let parameters: UInt32 = 1 << 24
  static let adapters: UInt32 = 1 << 25
}
