import MaasCore
import MaasGraph
import MaasOps

/// Forward pass, loss, backward pass and update as one graph.
///
/// Inputs: features, parameters, statistics, targets, weights of samples, then states, and what differs from step to
/// step. Outputs: the loss, and new parameters, states and statistics, which belong where the old ones are.
struct TrainingGraph {
  private(set) var graph: Graph
  /// Indices of inputs.
  let features: Range<Int>
  let targets: Int
  let weights: Int?
  let parameters: Range<Int>
  private(set) var states = 0..<0
  private(set) var (rate, time, seed) = (0, 0, 0)
  /// Output 0 is the loss; these are written over the inputs beside them.
  private(set) var updated: [(output: Int, input: Int)] = []

  /// What a graph is made for.
  struct Form: Hashable {
    /// Whether samples have weights.
    var hasWeights = false
    /// Whether targets are indices of classes.
    var hasIndices = false
    var part = Part.whole
  }

  enum Part: Hashable {
    /// A step.
    case whole
    /// Adds gradients to those of batches before.
    case gradients
    /// Only the loss.
    case loss
  }

  init(_ model: TrainableModel, _ options: TrainerOptions, _ form: Form) throws(MaasError) {
    let open = OpenGraph(model)
    graph = open.graph
    features = 0..<open.features
    parameters = open.features..<open.features + model.parameters.count
    targets = graph.inputs.count
    weights = form.hasWeights ? targets + 1 : nil
    let statistics = graph.inputs[parameters.upperBound...].map { $0 }
    let time = graph.addScalar("step", .int64)
    let seed = graph.addScalar("seed", .int64)
    var moved: [ValueID: ValueID] = [:]
    let isTraining = form.part != .loss
    try graph.setMode(isTraining: isTraining, seed: seed, step: time, statistics: &moved)
    let losses = try graph.addObjective(model.prediction, options, form)
    graph.outputs = [losses[0]]
    if isTraining { try addUpdate(model, options, form, losses, time: time) }
    for (i, id) in statistics.enumerated() {
      if let new = moved[id] { update(parameters.upperBound + i, to: new) }
    }
    self.time = graph.addInput(time)
    self.seed = graph.addInput(seed)
  }

  private mutating func update(_ input: Int, to value: ValueID) {
    updated.append((graph.outputs.count, input))
    graph.outputs.append(value)
  }

  private mutating func addUpdate(
    _ model: TrainableModel, _ options: TrainerOptions, _ form: Form, _ losses: [ValueID], time: ValueID
  ) throws(MaasError) {
    let xs = model.parameters.map { $0.id }
    let gradients = try graph.addGradients(of: model.prediction, to: xs, seeded: losses[1])
    if form.part == .gradients {
      states = graph.addStates("sum", model.parameters)
      for (i, j) in states.enumerated() {
        let sum = graph.add(Binary(.add), [graph.inputs[j], gradients[i]], name: "\(graph[xs[i]].name)/sum")[
          0]
        update(j, to: sum)
      }
      return
    }
    let settings = options.update.settings(options)
    let rate = graph.addScalar("rate", .double)
    var inputs: [ValueID?] = [rate, time, nil, losses[0]]
    if options.clipNorm > 0 {
      let norm = graph.add(
        GradientNorm(limit: options.clipNorm / settings.scale), gradients.map { $0 }, name: "norm", outputs: 2
      )
      inputs[2] = norm[1]
    }
    var all: [Int] = Array(parameters)
    states = graph.inputs.count..<graph.inputs.count
    for kind in 0..<settings.rule.states {
      let added = graph.addStates("state\(kind)", model.parameters)
      states = states.lowerBound..<added.upperBound
      all += added
    }
    inputs += xs + gradients
    inputs += states.map { graph.inputs[$0] }
    let results = graph.add(ParameterUpdate(settings), inputs, name: "update", outputs: all.count)
    for (input, result) in zip(all, results) { update(input, to: result) }
    self.rate = graph.addInput(rate)
  }
}

extension Graph {
  /// A value that becomes an input later.
  fileprivate mutating func addScalar(_ name: String, _ dtype: DType) -> ValueID {
    add(Value(name, dtype, Shape([Int]())))
  }

  /// Makes a value the last input; returns its index.
  fileprivate mutating func addInput(_ id: ValueID) -> Int {
    inputs.append(id)
    return inputs.count - 1
  }

  /// Inputs of the parameters' shapes.
  fileprivate mutating func addStates(_ name: String, _ parameters: [Parameter]) -> Range<Int> {
    let first = inputs.count
    for parameter in parameters {
      _ = addInput("\(parameter.name)/\(name)", .float, Shape(parameter.tensor.shape))
    }
    return first..<inputs.count
  }

  /// The loss of the predictions and its gradient.
  fileprivate mutating func addObjective(
    _ prediction: ValueID, _ options: TrainerOptions, _ form: TrainingGraph.Form
  ) throws(MaasError) -> [ValueID] {
    guard let shape = self[prediction].shape, let batch = shape.dims.first else {
      throw MaasError(
        .unsupported, "the shape of the predictions must be known", tensor: self[prediction].name,
        found: self[prediction].shape?.text)
    }
    let dims = form.hasIndices ? [batch] + shape.dims.dropFirst(2) : shape.dims
    var objectiveInputs: [ValueID?] = [
      prediction, addInput("targets", form.hasIndices ? .int64 : .float, Shape(dims)),
    ]
    if form.hasWeights { objectiveInputs.append(addInput("weights", .float, Shape([batch]))) }
    return add(options.objective, objectiveInputs, name: "loss", outputs: 2)
  }
}

extension TrainerOptions {
  fileprivate var objective: Objective {
    Objective(loss.kind, delta: huberDelta, smoothing: labelSmoothing, classWeights: classWeights)
  }
}

extension LossFunction {
  fileprivate var kind: Objective.Kind {
    switch self {
    case .mse: .squared
    case .mae: .absolute
    case .huber: .huber
    case .crossEntropy: .crossEntropy
    case .binaryCrossEntropy: .binary
    case .hinge: .hinge
    case .divergence: .divergence
    }
  }
}
