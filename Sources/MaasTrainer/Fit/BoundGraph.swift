import CMaasSystem
import MaasCore
import MaasGraph
import MaasRuntime

/// What a trainer's graphs work on.
struct TrainerMemory {
  let parameters, statistics, states, sums, averages: [Tensor]
  let rate, step, seed, share: Tensor

  init(_ model: TrainableModel, _ options: TrainerOptions) throws(MaasError) {
    let shapes = model.parameters.map { $0.tensor.shape }
    func zeros(_ kinds: Int) throws(MaasError) -> [Tensor] {
      var tensors: [Tensor] = []
      for _ in 0..<kinds {
        for shape in shapes { tensors.append(try Tensor.zeros(shape)) }
      }
      return tensors
    }
    parameters = model.parameters.map { $0.tensor }
    statistics = model.statistics.map { $0.tensor }
    states = try zeros(options.update.settings(options).rule.states)
    sums = try zeros(options.accumulate > 1 ? 1 : 0)
    averages = options.ema > 0 ? try parameters.map { (tensor) throws(MaasError) in try tensor.copied() } : []
    rate = try Tensor(.double, [], [0.0])
    step = try Tensor(.int64, [], [Int64(0)])
    seed = try Tensor(.int64, [], [options.seed])
    share = try Tensor(.float, [], [Float(1)])
  }

  /// What models are evaluated and written with.
  var evaluated: [Tensor] { (averages.isEmpty ? parameters : averages) + statistics }

  /// The memory of an input; nil for a batch's. Evaluation looks at averages.
  func tensor(_ role: TrainingGraph.Role, evaluates: Bool) -> Tensor? {
    switch role {
    case .parameter(let i): evaluates ? evaluated[i] : parameters[i]
    case .statistic(let i): statistics[i]
    case .state(let i): states[i]
    case .sum(let i): sums[i]
    case .average(let i): averages[i]
    case .rate: rate
    case .step: step
    case .seed: seed
    case .share: share
    case .feature, .targets, .weights: nil
    }
  }
}

extension Tensor {
  static func zeros(_ shape: [Int]) throws(MaasError) -> Tensor {
    let tensor = try Tensor(.float, shape)
    maas_sys_zero(tensor.bytes, tensor.byteCount)
    return tensor
  }

  /// Takes over the elements of a tensor of the same type and shape.
  func assign(_ other: Tensor) { assign(other, at: 0) }

  /// The same for a part that begins `offset` bytes behind the first.
  func assign(_ part: Tensor, at offset: Int) { maas_sys_copy(bytes + offset, part.bytes, part.byteCount) }
}

/// A graph of training for one size of batch, bound to a trainer's memory: a run is only its steps.
final class BoundGraph {
  let training: TrainingGraph
  private let binding: Binding
  /// Features, targets and weights, which are filled before each run.
  let batch: [Tensor]
  /// What each input is bound to.
  let inputs: [Tensor]

  /// `types` are nil for a graph without a batch.
  init(
    _ training: TrainingGraph, _ executable: Executable, _ memory: TrainerMemory, _ types: BatchTypes?,
    size: Int
  ) throws(MaasError) {
    self.training = training
    binding = Binding(executable)
    var (inputs, batch): ([Tensor], [Tensor]) = ([], [])
    for (i, role) in training.roles.enumerated() {
      if let own = memory.tensor(role, evaluates: training.evaluates) {
        inputs.append(own)
      } else {
        let declared = training.graph[training.graph.inputs[i]]
        let type = types?.type(role, declared) ?? SampleType(.float, [])
        let tensor = try Tensor(type.dtype, [size] + type.shape)
        inputs.append(tensor)
        batch.append(tensor)
      }
      try binding.setInput(i, inputs[i])
    }
    (self.inputs, self.batch) = (inputs, batch)
    for pair in training.updated { try binding.setOutput(pair.output, .tensor(inputs[pair.input])) }
  }

  func run() throws(MaasError) { try binding.run() }

  func output(_ i: Int) throws(MaasError) -> Tensor { try binding.output(i) }

  /// Of the batch.
  func loss() throws(MaasError) -> LossSum {
    LossSum(
      sum: try output(0).bytes.load(as: Double.self), weight: try output(1).bytes.load(as: Double.self))
  }

  /// Whether the last step was taken: the loss and all gradients are finite.
  func isTaken() throws(MaasError) -> Bool { try output(training.checks).isFinite }

  /// Outputs that were computed elsewhere and copied, as a step reads old values after they are written.
  var copiedOutputs: Int { binding.copiedOutputs }
}

/// Losses times their weights, and the weights, added up: of a batch, or of several.
struct LossSum: Equatable {
  var sum = 0.0
  var weight = 0.0

  mutating func add(_ loss: LossSum) {
    sum += loss.sum
    weight += loss.weight
  }

  /// 0 where nothing has weight.
  var mean: Double { weight == 0 ? 0 : sum / weight }

  /// The same for what must have weight.
  func expectedMean() throws(MaasError) -> Double {
    if weight > 0 { return mean }
    throw MaasError(.invalidArgument, "the weights of all samples are 0", expected: "some that count")
  }
}

extension TrainingGraph {
  fileprivate var evaluates: Bool { updated.isEmpty }
}

/// What the samples of a batch are.
struct BatchTypes: Equatable {
  let features: [SampleType]
  let targets: SampleType
  let hasWeights: Bool

  init(_ data: any TrainingData) {
    (features, targets, hasWeights) = (data.features, data.targets, data.hasWeights)
  }

  /// What an input of the batch is. Targets are as the graph declares them: dimensions of 1 need not be said.
  fileprivate func type(_ role: TrainingGraph.Role, _ declared: Value) -> SampleType {
    switch role {
    case .feature(let i): return features[i]
    case .targets:
      guard let dims = declared.shape?.dims.dropFirst(), let shape = Shape(Array(dims)).concrete,
        elementCount(shape) == elementCount(targets.shape)
      else { return targets }
      return SampleType(targets.dtype, shape)
    default: return SampleType(.float, [])
    }
  }
}
