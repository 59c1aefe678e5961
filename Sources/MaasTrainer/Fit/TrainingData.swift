import CMaasSystem
public import MaasCore
import MaasGraph
import MaasOps

/// What each sample has of a kind.
public struct SampleType: Sendable, Equatable {
  public let dtype: DType
  /// Of one sample.
  public let shape: [Int]

  public init(_ dtype: DType, _ shape: [Int]) { (self.dtype, self.shape) = (dtype, shape) }
}

/// Samples to train with: in memory, or read when they are asked for.
public protocol TrainingData: AnyObject {
  var count: Int { get }
  /// One for each input of the model. Numbers are `float`, indices `int64`.
  var features: [SampleType] { get }
  /// `float`, or for classes `int64`.
  var targets: SampleType { get }
  /// Whether each sample has a weight.
  var hasWeights: Bool { get }

  /// Writes samples, which are numbered from 0, one behind the other into each of the tensors: those of the features, the
  /// targets, and the weights (`float`) where there are any. Called from one thread at a time.
  func read(_ samples: UnsafeBufferPointer<Int>, into tensors: [Tensor]) throws(MaasError)
}

/// Samples that lie in tensors, whose first dimension counts them.
public final class TensorData: TrainingData {
  public let count: Int
  public let features: [SampleType]
  public let targets: SampleType
  public let hasWeights: Bool
  private let tensors: [Tensor]
  private let rowBytes: [Int]

  /// The tensors are read while there is training; those of other types are converted first.
  public init(features: [Tensor], targets: Tensor, weights: Tensor? = nil) throws(MaasError) {
    var tensors: [Tensor] = []
    for tensor in features + [targets] { tensors.append(try tensor.trainable()) }
    if let weights { tensors.append(try aligned(try cast(weights, to: .float))) }
    let counts = tensors.map { $0.shape.first ?? 0 }
    guard let count = counts.first, counts.allSatisfy({ $0 == count }), !features.isEmpty else {
      throw MaasError(
        .shapeMismatch, "features and targets have different numbers of samples",
        expected: "the same first dimension", found: joined(tensors.map { describe($0.shape) }, ", "))
    }
    if let weights, weights.shape.count != 1 {
      throw MaasError(.shapeMismatch, "weights must be one for each sample", found: describe(weights.shape))
    }
    let types = tensors.map { SampleType($0.dtype, Array($0.shape.dropFirst())) }
    (self.count, self.tensors, hasWeights) = (count, tensors, weights != nil)
    self.features = Array(types.prefix(features.count))
    self.targets = types[features.count]
    rowBytes = tensors.map { $0.byteCount / max(1, count) }
  }

  public func read(_ samples: UnsafeBufferPointer<Int>, into batch: [Tensor]) throws(MaasError) {
    for (i, source) in tensors.enumerated() {
      let (from, to, bytes) = (source.bytes, batch[i].bytes, rowBytes[i])
      for (row, sample) in samples.enumerated() {
        maas_sys_copy(to + row * bytes, from + sample * bytes, bytes)
      }
    }
  }
}

extension Tensor {
  /// The same in one of the types that training computes with.
  func trainable() throws(MaasError) -> Tensor {
    switch dtype {
    case .float, .int64: try aligned(self)
    case .double, .float16, .bfloat16: try cast(self, to: .float)
    case .string:
      throw MaasError(
        .typeMismatch, "text cannot be trained with as it is", expected: "numbers", found: dtype.name)
    default: try cast(self, to: .int64)
    }
  }
}
