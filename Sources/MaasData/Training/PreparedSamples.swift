import CMaasSystem
import MaasCore
import MaasOps
import MaasTrainer

/// Some samples of a source as a trainer wants them.
package final class PreparedSamples: TrainingData {
  package let store: FeatureStore
  /// Which samples of the source, in the order of their numbers here.
  package let samples: [Int]
  package let features: [SampleType]
  package let targets: SampleType
  package let hasWeights = false
  /// Which changes pictures get; others in each epoch.
  package var augmentation = Augmentation()
  package var epoch = 0
  private let seed: Int64
  /// Of the whole source: int64, or float [samples, n].
  private let values: Tensor

  /// `values` are the targets of all samples of the source.
  package init(_ store: FeatureStore, _ samples: [Int], _ values: Tensor, seed: Int64 = 0) {
    (self.store, self.samples, self.values, self.seed) = (store, samples, values, seed)
    features = [SampleType(store.preprocessing.dtype, store.preprocessing.dims)]
    targets = SampleType(values.dtype, Array(values.shape.dropFirst()))
  }

  package var count: Int { samples.count }

  /// What the features of a sample take.
  package var bytes: Int { store.rowBytes }

  /// The features of some samples as they are, by their numbers here.
  package func features(_ numbers: Range<Int>) throws(MaasError) -> Tensor {
    let type = features[0]
    let tensor = try Tensor(type.dtype, [numbers.count] + type.shape)
    try store.read(Array(samples[numbers]), into: tensor)
    return tensor
  }

  package func read(_ numbers: UnsafeBufferPointer<Int>, into tensors: [Tensor]) throws(MaasError) {
    let chosen = numbers.map { samples[$0] }
    try store.read(chosen, into: tensors[0])
    let (seed, epoch) = (seed, Int64(epoch))
    try augmentation.apply(to: tensors[0]) { i in
      PhiloxStream(
        seed: seed, stream: RandomUse.pictures ^ UInt32(truncatingIfNeeded: numbers[i]), step: epoch)
    }
    let bytes = values.byteCount / max(1, values.shape[0])
    for (row, sample) in chosen.enumerated() {
      maas_sys_copy(tensors[1].bytes + row * bytes, values.bytes + sample * bytes, bytes)
    }
  }
}

extension Targets {
  /// What a trainer learns: indices of classes, or numbers brought to one scale.
  package func trainable(_ answer: DeployedModel.Answer) throws(MaasError) -> Tensor {
    switch (self, answer) {
    case (.classes(let classes, _), _):
      return try Tensor(.int64, [classes.count], classes.map { Int64($0) })
    case (.numbers(let numbers), .numbers(let scale)):
      return try scale.scaled(numbers, Array(0..<numbers.shape[0]))
    case (.numbers, .classes): throw MaasError(.internal, "numbers are no classes")
    }
  }
}
