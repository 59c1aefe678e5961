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
    let count = elementCount(shape) ?? 0
    var random = PhiloxStream(seed: seed, stream: RandomUse.parameters + stream)
    return try Tensor(.float, shape, values(count, &random))
  }

  private func values(_ count: Int, _ random: inout PhiloxStream) -> [Float] {
    switch self {
    case .zeros: return Array(repeating: 0, count: count)
    case .ones: return Array(repeating: 1, count: count)
    case .glorot(let input, let output): return uniform(6 / Double(max(1, input + output)), count, &random)
    case .he(let input): return uniform(6 / Double(max(1, input)), count, &random)
    case .limited(let limit): return uniform(limit * limit, count, &random)
    case .normal(let deviation):
      var values: [Float] = []
      for _ in 0..<count { values.append(Float(deviation * random.normal())) }
      return values
    case .orthogonal(let size):
      var values: [Float] = []
      while values.count + size * size <= count { values += orthogonalMatrix(size, &random) }
      return values
    }
  }

  private func uniform(_ squareOfLimit: Double, _ count: Int, _ random: inout PhiloxStream) -> [Float] {
    let limit = squareOfLimit.squareRoot()
    var values: [Float] = []
    values.reserveCapacity(count)
    for _ in 0..<count { values.append(Float((2 * random.uniform() - 1) * limit)) }
    return values
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

/// A random orthogonal matrix: rows of normal numbers, made orthogonal by Gram and Schmidt's method, twice for rounding.
private func orthogonalMatrix(_ size: Int, _ random: inout PhiloxStream) -> [Float] {
  var rows: [[Double]] = []
  while rows.count < size {
    var row = (0..<size).map { _ in random.normal() }
    for _ in 0..<2 {
      for other in rows { row = minus(row, dot(row, other), other) }
    }
    let length = dot(row, row).squareRoot()
    if length > 1e-3 { rows.append(row.map { $0 / length }) }
  }
  return rows.flatMap { $0.map { Float($0) } }
}

private func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }

private func minus(_ a: [Double], _ factor: Double, _ b: [Double]) -> [Double] {
  zip(a, b).map { $0 - factor * $1 }
}
