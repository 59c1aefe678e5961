import CMaasSystem
import MaasCore
import MaasGraph
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
  /// What reads the features.
  private let input: Value
  /// Of the whole source: int64, or float [samples, n].
  private let values: Tensor

  /// `values` are the targets of all samples of the source; features are converted to the type of `input`, if that is
  /// said.
  package init(
    _ store: FeatureStore, _ samples: [Int], _ values: Tensor, input: Value? = nil, seed: Int64 = 0
  ) {
    (self.store, self.samples, self.values, self.seed) = (store, samples, values, seed)
    self.input = input ?? Value("features")
    features = [SampleType(input?.dtype ?? store.preprocessing.dtype, store.preprocessing.dims)]
    targets = SampleType(values.dtype, Array(values.shape.dropFirst()))
  }

  package var count: Int { samples.count }

  /// What the features of a sample take.
  package var bytes: Int { store.rowBytes }

  /// The features of some samples as they are, by their numbers here.
  package func features(_ numbers: Range<Int>) throws(MaasError) -> Tensor {
    let tensor = try Tensor(store.preprocessing.dtype, [numbers.count] + features[0].shape)
    try store.read(Array(samples[numbers]), into: tensor)
    return try tensor.converted(to: input)
  }

  package func read(_ numbers: UnsafeBufferPointer<Int>, into tensors: [Tensor]) throws(MaasError) {
    let chosen = numbers.map { samples[$0] }
    let isConverted = features[0].dtype != store.preprocessing.dtype
    let own = isConverted ? try Tensor(store.preprocessing.dtype, tensors[0].shape) : tensors[0]
    try store.read(chosen, into: own)
    let (seed, epoch) = (seed, Int64(epoch))
    try augmentation.apply(to: own) { i in
      PhiloxStream(
        seed: seed, stream: RandomUse.pictures ^ UInt32(truncatingIfNeeded: numbers[i]), step: epoch)
    }
    if isConverted {
      let result = try own.converted(to: input)
      withExtendedLifetime(result) { maas_sys_copy(tensors[0].bytes, result.bytes, result.byteCount) }
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
