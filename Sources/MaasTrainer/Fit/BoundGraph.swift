import MaasCore
import MaasGraph
import MaasRuntime

/// What a trainer's graphs work on.
final class TrainerMemory {
  let parameters: [Tensor]
  let statistics: [Tensor]
  let states: [Tensor]
  let rate, time, seed: Tensor

  init(_ model: TrainableModel, states count: Int, seed: Int64) throws(MaasError) {
    parameters = model.parameters.map { $0.tensor }
    statistics = model.statistics.map { $0.tensor }
    var states: [Tensor] = []
    for _ in 0..<count {
      for parameter in model.parameters { states.append(try Tensor.zeros(parameter.tensor.shape)) }
    }
    self.states = states
    rate = try Tensor(.double, [], [0.0])
    time = try Tensor(.int64, [], [Int64(0)])
    self.seed = try Tensor(.int64, [], [seed])
  }
}

extension Tensor {
  static func zeros(_ shape: [Int]) throws(MaasError) -> Tensor {
    try Tensor(.float, shape, [Float](repeating: 0, count: elementCount(shape) ?? 0))
  }
}

/// A graph of training for one size of batch, bound to a trainer's memory: a run is only its steps.
final class BoundGraph {
  private let binding: Binding
  /// Features, targets and weights, which are filled before each run.
  let batch: [Tensor]
  let size: Int

  init(
    _ training: TrainingGraph, _ executable: Executable, _ memory: TrainerMemory, _ types: BatchTypes,
    size: Int
  ) throws(MaasError) {
    binding = Binding(executable)
    self.size = size
    var inputs: [Tensor?] = training.graph.inputs.map { _ in nil }
    var batch: [Tensor] = []
    func bind(_ i: Int, _ type: SampleType) throws(MaasError) {
      let tensor = try Tensor(type.dtype, [size] + type.shape)
      inputs[i] = tensor
      batch.append(tensor)
    }
    for (i, type) in zip(training.features, types.features) { try bind(i, type) }
    try bind(training.targets, try types.targets(training, size))
    if let weights = training.weights { try bind(weights, SampleType(.float, [])) }
    self.batch = batch
    for (i, tensor) in zip(training.parameters.lowerBound..., memory.parameters + memory.statistics) {
      inputs[i] = tensor
    }
    for (i, tensor) in zip(training.states, memory.states) { inputs[i] = tensor }
    inputs[training.time] = memory.time
    inputs[training.seed] = memory.seed
    if training.rate > 0 { inputs[training.rate] = memory.rate }
    for (i, tensor) in inputs.enumerated() {
      if let tensor { try binding.setInput(i, tensor) }
    }
    for pair in training.updated {
      if let tensor = inputs[pair.input] { try binding.setOutput(pair.output, .tensor(tensor)) }
    }
  }

  func run() throws(MaasError) { try binding.run() }

  func output(_ i: Int) throws(MaasError) -> Tensor { try binding.output(i) }

  /// Outputs that were computed elsewhere and copied, as a step reads their old values after they are written.
  var copiedOutputs: Int { binding.copiedOutputs }
}

/// What the samples of a batch are.
struct BatchTypes: Equatable {
  let features: [SampleType]
  let targets: SampleType
  let hasWeights: Bool

  init(_ data: any TrainingData) {
    (features, targets, hasWeights) = (data.features, data.targets, data.hasWeights)
  }

  /// The targets as the graph declares them: dimensions of 1 need not be said.
  fileprivate func targets(_ training: TrainingGraph, _ size: Int) throws(MaasError) -> SampleType {
    let declared = training.graph[training.graph.inputs[training.targets]]
    guard let dims = declared.shape?.dims.dropFirst(), let shape = Shape(Array(dims)).concrete,
      elementCount(shape) == elementCount(targets.shape)
    else { return targets }
    return SampleType(targets.dtype, shape)
  }
}
