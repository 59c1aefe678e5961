import CMaasKernels
import MaasCore
import MaasGraph

/// What becomes of a row of scores at last. The raw values are TreeEnsemble's.
enum PostTransform: Int, Sendable {
  case none, softmax, logistic, softmaxZero, probit

  static let names: [(name: String, value: PostTransform)] = [
    ("NONE", .none), ("SOFTMAX", .softmax), ("LOGISTIC", .logistic), ("SOFTMAX_ZERO", .softmaxZero),
    ("PROBIT", .probit),
  ]

  /// Transforms `row` in place.
  func apply(_ row: UnsafeMutableBufferPointer<Double>) {
    switch self {
    case .none: break
    case .softmax: normalize(row) { _ in true }
    case .softmaxZero: normalize(row) { abs($0) > 1e-7 }
    case .logistic: for i in row.indices { row[i] = logisticFunction(row[i]) }
    case .probit: for i in row.indices { row[i] = inverseNormal(row[i]) }
    }
  }

  /// Softmax of the scores that count; others, which are zeros, stay what they are.
  private func normalize(_ row: UnsafeMutableBufferPointer<Double>, _ counts: (Double) -> Bool) {
    let highest = row.reduce(-.infinity) { max($0, $1) }
    var total = 0.0
    for i in row.indices where counts(row[i]) {
      row[i] = exponential(row[i] - highest)
      total += row[i]
    }
    for i in row.indices { row[i] /= total }
  }

  /// A score alone, as ONNX Runtime has it: only PROBIT changes it.
  func alone(_ score: Double) -> Double { self == .probit ? inverseNormal(score) : score }

  /// The scores of two classes, where there is one that speaks for the second: as probabilities with `complements`,
  /// else as margins.
  func pair(_ score: Double, complements: Bool) -> (Double, Double) {
    switch self {
    case .logistic: (logisticFunction(-score), logisticFunction(score))
    case .probit: (-inverseNormal(score), inverseNormal(score))
    default: (complements ? 1 - score : -score, score)
    }
  }
}

func exponential(_ x: Double) -> Double {
  maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0), x)
}

func logisticFunction(_ x: Double) -> Double {
  maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_SIGMOID, alpha: 0, beta: 0), x)
}

/// The inverse of the normal distribution, by Winitzki's approximation of the inverse error function, which is what
/// ONNX Runtime and onnx.reference compute.
private func inverseNormal(_ p: Double) -> Double {
  let x = 2 * p - 1
  let log = maas_f64_unary(
    maas_f32_activation(op: MAAS_UNARY_LOG, alpha: 0, beta: 0), (1 - x) * (1 + x))
  let half = 2 / (Double.pi * 0.147) + log / 2
  let root = ((half * half - log / 0.147).squareRoot() - half).squareRoot()
  return Double(2).squareRoot() * (x < 0 ? -root : root)
}

/// Elements that are float or double, read and written as double.
struct FloatElements {
  let base: UnsafeMutableRawPointer
  let isDouble: Bool

  subscript(i: Int) -> Double {
    get {
      isDouble
        ? base.load(fromByteOffset: i * 8, as: Double.self)
        : Double(base.load(fromByteOffset: i * 4, as: Float.self))
    }
    nonmutating set {
      if isDouble {
        base.storeBytes(of: newValue, toByteOffset: i * 8, as: Double.self)
      } else {
        base.storeBytes(of: Float(newValue), toByteOffset: i * 4, as: Float.self)
      }
    }
  }
}

extension UnsafeMutableBufferPointer<Double> {
  /// The first of the largest scores.
  var best: Int { indices.dropFirst().reduce(0) { self[$1] > self[$0] ? $1 : $0 } }
}

extension Chunk {
  /// Room for a row of scores.
  func row(_ count: Int) -> UnsafeMutableBufferPointer<Double> {
    UnsafeMutableBufferPointer(
      start: worker.pointee.scratch?.assumingMemoryBound(to: Double.self), count: count)
  }
}
