import MaasCommand
import MaasCore
import MaasData
import MaasGraph
import MaasTrainer

/// What all trainings on the same samples share: preprocessing, features, targets.
struct Workshop {
  let training: Dataset.Part
  let preprocessing: Preprocessing
  let answer: DeployedModel.Answer
  /// The input of the model to go on with.
  private let input: Value?
  private let stores: [(store: FeatureStore, targets: Tensor)]

  /// Preprocessing is that of the model to go on with, or fitted on the samples of `training` alone; `sources` are all
  /// that will be asked for, of whose features at most `memory` bytes are kept.
  init(
    _ training: Dataset.Part, _ sources: [any SampleSource], _ options: PreprocessingOptions,
    _ initial: InitialModel?, memory: Int, threads: Int, isQuiet: Bool
  ) throws(MaasError) {
    (self.training, input) = (training, initial?.input)
    let (source, samples) = (training.source, training.samples)
    if let graph = initial?.preprocessing {
      preprocessing = try Preprocessing(of: graph, source, samples, threads: threads)
    } else {
      preprocessing = try Preprocessing(fitting: source, on: samples, options, threads: threads)
    }
    switch source.targets {
    case .classes(_, let names): answer = .classes(names)
    case .numbers(let numbers):
      answer = .numbers(initial?.scale ?? TargetScale(fitting: numbers, on: samples))
    }
    var stores: [(store: FeatureStore, targets: Tensor)] = []
    var left = memory
    for source in sources {
      var line = ProgressLine("reading", isShown: !isQuiet)
      let store = try FeatureStore(source, preprocessing, most: left) { done in
        line.show(Double(done) / Double(source.count), "\(done) of \(source.count) samples")
      }
      line.end()
      left -= store.keptBytes
      try store.checkFinite()
      stores.append((store, try source.targets.trainable(answer)))
    }
    self.stores = stores
  }

  /// The samples of a part as a trainer wants them.
  func data(_ part: Dataset.Part, seed: Int64 = 0) throws(MaasError) -> PreparedSamples {
    guard let (store, targets) = stores.first(where: { $0.store.source === part.source }) else {
      throw MaasError(.internal, "samples of a source that was not read")
    }
    return PreparedSamples(store, part.samples, targets, input: input, seed: seed)
  }

  var outputs: Int { training.source.targets.width }

  /// Whether the features are pictures: channels, height, width.
  var isPicture: Bool { preprocessing.dims.count == 3 && preprocessing.dtype == .float }
}
