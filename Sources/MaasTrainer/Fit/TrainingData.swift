import CMaasSystem
public import MaasCore
import MaasGraph
import MaasOps
import MaasRuntime

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
  /// One for each input of the model, of its type.
  var features: [SampleType] { get }
  /// `float`, or for classes `int64`.
  var targets: SampleType { get }
  /// Whether each sample has a weight.
  var hasWeights: Bool { get }

  /// Writes samples, which are numbered from 0, one behind the other into each of the tensors: those of the features,
  /// the targets, and the weights (`float`) where there are any. Called from one thread at a time.
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

  /// The tensors are read while there is training. A trainer converts features to the types of its model's inputs,
  /// where that loses nothing but precision of floats.
  public convenience init(features: [Tensor], targets: Tensor, weights: Tensor? = nil) throws(MaasError) {
    var tensors = features + [try targets.trainable()]
    if let weights { tensors.append(try cast(weights, to: .float)) }
    try self.init(tensors, features.count)
    if let weights, weights.shape.count != 1 {
      throw MaasError(.shapeMismatch, "weights must be one for each sample", found: describe(weights.shape))
    }
  }

  /// Features, targets, and perhaps weights.
  private init(_ given: [Tensor], _ featureCount: Int) throws(MaasError) {
    tensors = try given.map { (tensor) throws(MaasError) in try aligned(tensor) }
    let counts = tensors.map { $0.shape.first ?? 0 }
    guard let count = counts.first, counts.allSatisfy({ $0 == count }), featureCount > 0 else {
      throw MaasError(
        .shapeMismatch, "features and targets have different numbers of samples",
        expected: "the same first dimension", found: joined(tensors.map { describe($0.shape) }, ", "))
    }
    let types = tensors.map { SampleType($0.dtype, Array($0.shape.dropFirst())) }
    (self.count, hasWeights) = (count, tensors.count > featureCount + 1)
    (features, targets) = (Array(types.prefix(featureCount)), types[featureCount])
    rowBytes = try tensors.map { (tensor) throws(MaasError) in try tensor.rowBytes() }
  }

  /// The same with features of the types that inputs have.
  func converted(to inputs: [Value]) throws(MaasError) -> TensorData {
    var tensors = tensors
    for (i, input) in inputs.prefix(features.count).enumerated() {
      tensors[i] = try tensors[i].converted(to: input)
    }
    return try TensorData(tensors, features.count)
  }

  public func read(_ samples: UnsafeBufferPointer<Int>, into batch: [Tensor]) throws(MaasError) {
    read(samples, into: batch, threads: 1)
  }

  /// The same with several threads, each of which copies samples side by side, as the first product of a step reads them.
  func read(_ samples: UnsafeBufferPointer<Int>, into batch: [Tensor], threads: Int) {
    for (i, source) in tensors.enumerated() {
      let (from, to, bytes) = (source.bytes, batch[i].bytes, rowBytes[i])
      if threads == 1 || samples.count * bytes < Self.worthSharing {
        maas_sys_copy_rows(to, from, samples.baseAddress, samples.count, bytes)
        continue
      }
      inParallel(samples.count, grain: (samples.count + threads - 1) / threads, threads: threads) { rows in
        let own = UnsafeBufferPointer(rebasing: samples[rows])
        maas_sys_copy_rows(to + rows.lowerBound * bytes, from, own.baseAddress, own.count, bytes)
      }
    }
  }
  private static let worthSharing = 1 << 16
}

extension Tensor {
  /// How many bytes a sample has.
  func rowBytes() throws(MaasError) -> Int {
    let count = max(1, shape.first ?? 0)
    if byteCount % count == 0 { return byteCount / count }
    throw MaasError(.unsupported, "samples must be whole bytes", found: "\(dtype.name)\(describe(shape))")
  }

  /// Targets in one of the types that losses compare with.
  fileprivate func trainable() throws(MaasError) -> Tensor {
    switch dtype {
    case .float, .int64: self
    case .double, .float16, .bfloat16: try cast(self, to: .float)
    case .string:
      throw MaasError(
        .typeMismatch, "text cannot be trained with as it is", expected: "numbers", found: dtype.name)
    default: try cast(self, to: .int64)
    }
  }

  /// A feature as an input reads it: floats are rounded to other floats, all other numbers must stay what they are.
  package func converted(to input: Value) throws(MaasError) -> Tensor {
    // Whoever reads it says that text is no number.
    guard let wanted = input.dtype, wanted != dtype, wanted != .string, dtype != .string else { return self }
    let result = try cast(self, to: wanted)
    if Self.floats.contains(dtype), Self.floats.contains(wanted) { return result }
    let (old, new) = (try doubles(), try result.doubles())
    if let i = old.indices.first(where: { old[$0] != new[$0] }) {
      throw MaasError(
        .typeMismatch, "the input's type does not have this number", tensor: input.name,
        expected: wanted.name,
        found: "\(old[i]) (\(dtype.name))")
    }
    return result
  }
  private static let floats: [DType] = [.float, .double, .float16, .bfloat16]

  private func doubles() throws(MaasError) -> [Double] {
    try cast(self, to: .double).elements(as: Double.self)
  }
}
