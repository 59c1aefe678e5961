import MaasCore
import MaasGraph
import MaasOps

/// A part of training as one graph: forward pass, loss, backward pass, update.
///
/// Outputs 0 and 1 are the sum of the losses and of their weights, where there are any. New parameters, states and
/// statistics belong where the old ones are.
struct TrainingGraph {
  private(set) var graph: Graph
  let form: Form
  /// The output whose numbers are finite where all is that a step goes by.
  private(set) var checks = 0
  /// What each input of the graph is.
  private(set) var roles: [Role] = []
  /// Outputs that are written over inputs.
  private(set) var updated: [(output: Int, input: Int)] = []
  /// The numbers of the parameters of which each process takes the steps of a part.
  private(set) var parted: [Int] = []

  enum Role: Equatable {
    /// Of a batch.
    case feature(Int)
    case targets, weights
    /// By parameter or statistic; of states, those of the first kind come first.
    case parameter(Int)
    case statistic(Int)
    case state(Int)
    case sum(Int)
    case average(Int)
    case rate, step, seed
    /// What part of all processes' samples a batch is; where samples have weights, whether it is one.
    case share
  }

  /// What a graph is made for.
  struct Form: Hashable {
    /// Whether samples have weights.
    var hasWeights = false
    /// Whether targets are whole numbers.
    var hasIntegers = false
    var part = Part.whole
  }

  enum Part: Hashable {
    /// A step.
    case whole
    /// Adds a batch's gradients to those of batches before.
    case gradients
    /// A step along the sums of gradients.
    case update
    /// The loss, and predictions as probabilities where they are scores.
    case loss
  }

  /// With a collective, gradients are added up over its processes; of weights that these share each takes the steps of
  /// a part.
  init(
    _ model: TrainableModel, _ options: TrainerOptions, _ form: Form, _ collective: Collective? = nil,
    _ shared: SharedWeights? = nil
  ) throws(MaasError) {
    self.form = form
    if form.part == .update {
      graph = Graph("update")
      try addUpdateAlone(model, options)
      return
    }
    let open = OpenGraph(model)
    graph = open.graph
    roles = open.roles
    var moved: [MovedStatistics] = []
    if form.part != .loss { moved = try setTrainingMode(model) } else { graph.dropDropout() }
    let losses = try addObjective(model.prediction, options, form)
    graph.outputs = [losses[3], losses[2]]
    if form.part == .loss {
      graph.outputs.append(try graph.addProbabilities(model.prediction, options.loss))
      return
    }
    var seed = losses[1]
    if let collective {
      let share = try addShare(losses[2], options.weighs(form.hasWeights), collective)
      seed = graph.add(Binary(.mul), [seed, share], name: "loss/shared")[0]
    }
    var gradients = try graph.addGradients(of: [model.prediction], to: model.trainedIDs, seeded: [seed])
    let products = stepProducts(gradients, model, options, collective, shared)
    let others = gradients.indices.filter { products[$0] == nil }
    var checked = [losses[0]] + moved.flatMap { $0.pairs.map { $0.batch } }
    checked += addBounds(of: products, collective?.ranks ?? 1)
    if let shared { checked += graph.addShares(of: products, shared) }
    if let collective {
      (gradients, checked) = addSums(over: collective, gradients, others, checked, model)
    }
    let guarded = addChecks(checked + others.map { gradients[$0] })
    if form.part == .gradients {
      try addSums(model, gradients, guarded: guarded)
    } else {
      try addUpdate(model, options, model.trainedIDs, gradients, products, shared, guarded: guarded)
    }
    addStatistics(moved, guarded: guarded)
  }

  // Inputs and outputs.

  private mutating func addInput(
    _ role: Role, _ name: String, _ dtype: DType, _ dims: [Dim] = []
  ) -> ValueID {
    roles.append(role)
    return graph.addInput(name, dtype, Shape(dims))
  }

  private mutating func scalar(_ role: Role, _ name: String, _ dtype: DType) -> ValueID {
    if let known = roles.firstIndex(of: role) { return graph.inputs[known] }
    return addInput(role, name, dtype)
  }

  /// Inputs of the parameters' shapes; returns the index of the first.
  private mutating func addInputs(
    _ name: String, _ parameters: [Parameter], _ role: (Int) -> Role
  ) -> (first: Int, ids: [ValueID]) {
    let first = graph.inputs.count
    var ids: [ValueID] = []
    for (i, parameter) in parameters.enumerated() {
      let dims = parameter.tensor.shape.map { Dim.known($0) }
      ids.append(addInput(role(i), parameter.name / name, .float, dims))
    }
    return (first, ids)
  }

  private mutating func write(_ value: ValueID, over input: Int) {
    updated.append((graph.outputs.count, input))
    graph.outputs.append(value)
  }

  // Parts.

  /// Dropout drops and normalizations look at their batch.
  private mutating func setTrainingMode(_ model: TrainableModel) throws(MaasError) -> [MovedStatistics] {
    let (seed, step) = (scalar(.seed, "seed", .int64), scalar(.step, "step", .int64))
    return try graph.setTrainingMode(trained: Set(model.trainedIDs), seed: seed, step: step)
  }

  /// The loss of the predictions, its gradient, and the weight of the batch.
  private mutating func addObjective(
    _ prediction: ValueID, _ options: TrainerOptions, _ form: Form
  ) throws(MaasError) -> [ValueID] {
    guard let dims = graph[prediction].shape?.dims, let batch = dims.first else {
      throw MaasError(
        .unsupported, "the rank of the predictions must be known and more than 0",
        tensor: graph[prediction].name)
    }
    let hasIndices = form.hasIntegers && options.loss.looksAtClasses
    var targets = addInput(
      .targets, "targets", form.hasIntegers ? .int64 : .float, hasIndices ? [batch] + dims.dropFirst(2) : dims
    )
    if form.hasIntegers, !hasIndices {
      targets = graph.add(Cast(to: .float), [targets], name: "targets/float")[0]
    }
    var inputs: [ValueID?] = [prediction, targets]
    if form.hasWeights { inputs.append(addInput(.weights, "weights", .float, [batch])) }
    return graph.add(options.objective, inputs, name: "loss", outputs: 4)
  }

  /// What part of all processes' batch this one's is: of its samples, or of their weights, which the others do not
  /// know.
  private mutating func addShare(
    _ weight: ValueID, _ weighs: Bool, _ collective: Collective
  ) throws(MaasError) -> ValueID {
    var share = scalar(.share, "share", .float)
    guard weighs else { return share }
    let own = graph.add(Cast(to: .float), [weight], name: "weight")[0]
    share = graph.add(Binary(.mul), [own, share], name: "weight/own")[0]
    // No part of weights that are all 0 is NaN then; and what is added up where it lies is no longer what is divided.
    let least = graph.addConstant("weight/least", try Tensor(.float, [], [Float.leastNormalMagnitude]))
    let term = graph.add(Binary(.add), [share, least], name: "weight/term")[0]
    let sum = graph.addAllReduce([term], of: [term], collective, slots: 0)[0]
    return graph.add(Binary(.div), [share, sum], name: "weight/share")[0]
  }

  /// The products that the step is taken along with, by parameter.
  private mutating func stepProducts(
    _ gradients: [ValueID], _ model: TrainableModel, _ options: TrainerOptions, _ collective: Collective?,
    _ shared: SharedWeights?
  ) -> [Int: WeightProduct] {
    guard form.part == .whole, options.goesByElements, collective == nil || shared != nil else { return [:] }
    let products = graph.weightProducts(gradients, of: model.parameters, batch: options.batchSize)
    guard let shared else { return products }
    let own = products.filter { shared.part($0.key) != nil }
    parted = own.keys.sorted()
    return own
  }

  /// Adds up over all processes the gradients of numbers `others`, and what only this process has to check, so that all
  /// of them take a step, or none does.
  private mutating func addSums(
    over collective: Collective, _ gradients: [ValueID], _ others: [Int], _ checked: [ValueID],
    _ model: TrainableModel
  ) -> (gradients: [ValueID], checked: [ValueID]) {
    let own = graph.add(GradientMeasure(limit: nil), checked.map { $0 }, name: "checks/own")[0]
    let terms = others.map { gradients[$0] } + [own]
    let sums = graph.addAllReduce(
      terms, of: others.map { model.trainedIDs[$0] } + [own], collective, slots: 1)
    var all = gradients
    for (i, sum) in zip(others, sums) { all[i] = sum }
    return (all, [sums[others.count]])
  }

  /// Numbers that are finite where the gradients that are not written are, also when those of all processes are added.
  private mutating func addBounds(of products: [Int: WeightProduct], _ ranks: Int) -> [ValueID] {
    if products.isEmpty { return [] }
    let factors = products.sorted { $0.key < $1.key }.flatMap { [$0.value.dy, $0.value.a] }
    return graph.add(ProductBound(sums: ranks), factors, name: "bounds")
  }

  private mutating func addChecks(_ values: [ValueID]) -> ValueID {
    let checks = graph.add(GradientMeasure(limit: nil), values.map { $0 }, name: "checks")[0]
    self.checks = graph.outputs.count
    graph.outputs.append(checks)
    return checks
  }

  /// A sum goes down its slope backwards, by the whole gradient.
  private mutating func addSums(
    _ model: TrainableModel, _ gradients: [ValueID], guarded: ValueID
  ) throws(MaasError) {
    let sums = addInputs("sum", model.parameters) { .sum($0) }
    let rate = graph.addConstant("upwards", try Tensor(.double, [], [-1.0]))
    addUpdate(UpdateSettings(.descent), rate, guarded, sums.ids, gradients, "sums")
  }

  /// Moves running statistics towards those of the batch.
  private mutating func addStatistics(_ moved: [MovedStatistics], guarded: ValueID) {
    var known: Set<ValueID> = []
    for own in moved {
      let pairs = own.pairs.filter { known.insert($0.old).inserted }
      addMoves(of: pairs.map { $0.old }, towards: pairs.map { $0.batch }, keeping: own.momentum, guarded)
    }
  }

  /// x becomes an average of itself and `y`.
  private mutating func addMoves(
    of x: [ValueID], towards y: [ValueID], keeping part: Double, _ guarded: ValueID
  ) {
    var settings = UpdateSettings(.average)
    settings.beta = part
    addUpdate(settings, scalar(.rate, "rate", .double), guarded, x, y, "averages")
  }

  /// A rule without states, which writes over the inputs `x`.
  private mutating func addUpdate(
    _ settings: UpdateSettings, _ rate: ValueID, _ guarded: ValueID, _ x: [ValueID], _ y: [ValueID],
    _ name: String
  ) {
    let inputs: [ValueID?] = [rate, scalar(.step, "step", .int64), nil, guarded] + x + y
    let results = graph.add(ParameterUpdate(settings), inputs, name: name, outputs: x.count)
    for (old, result) in zip(x, results) {
      if let input = graph.inputs.firstIndex(of: old) { write(result, over: input) }
    }
  }

  private mutating func addUpdateAlone(_ model: TrainableModel, _ options: TrainerOptions) throws(MaasError) {
    let parameters = addInputs("parameter", model.parameters) { .parameter($0) }
    let sums = addInputs("sum", model.parameters) { .sum($0) }
    try addUpdate(model, options, parameters.ids, sums.ids, guarded: addChecks(sums.ids))
  }

  /// Gradients that are `products` are computed with the steps along them.
  private mutating func addUpdate(
    _ model: TrainableModel, _ options: TrainerOptions, _ xs: [ValueID], _ gradients: [ValueID],
    _ products: [Int: WeightProduct] = [:], _ shared: SharedWeights? = nil, guarded: ValueID
  ) throws(MaasError) {
    let settings = options.update.settings(options)
    var update = GraphUpdate(
      settings, rate: scalar(.rate, "rate", .double), step: scalar(.step, "step", .int64), guarded: guarded)
    update.shared = shared
    if options.clipNorm > 0 {
      let norm = GradientMeasure(limit: options.clipNorm / settings.scale)
      update.factor = graph.add(norm, gradients.map { $0 }, name: "norm", outputs: 2)[1]
    }
    // Each parameter with its states, and their inputs.
    var values = xs.map { [$0] }
    var olds = xs.indices.compactMap { i in roles.firstIndex(of: .parameter(i)).map { [$0] } }
    for kind in 0..<settings.rule.states {
      let states = addInputs("state\(kind)", model.parameters) { .state(kind * xs.count + $0) }
      for i in xs.indices {
        values[i].append(states.ids[i])
        olds[i].append(states.first + i)
      }
    }
    let results = graph.add(update, to: values, gradients, products)
    for (news, olds) in zip(results, olds) {
      for (new, old) in zip(news, olds) { write(new, over: old) }
    }
    if options.ema > 0 {
      let averages = addInputs("average", model.parameters) { .average($0) }
      addMoves(of: averages.ids, towards: results.map { $0[0] }, keeping: options.ema, guarded)
    }
  }
}

extension Graph {
  /// Predictions as probabilities, where the loss takes scores.
  fileprivate mutating func addProbabilities(_ prediction: ValueID, _ loss: LossFunction) throws(MaasError)
    -> ValueID
  {
    guard let ending = loss.ending else { return prediction }
    return try add(ending, prediction, name: "probabilities")
  }

  /// Adds a model's last node.
  mutating func add(_ ending: Ending, _ scores: ValueID, name: String) throws(MaasError) -> ValueID {
    let output = add(Value(name))
    let attributes = ending == .softmax ? [Attribute("axis", .int(1))] : []
    try add(
      ending.rawValue, opset: opset ?? networkOpset, [scores], name, attributes, outputs: [output])
    return output
  }
}

extension TrainerOptions {
  /// Whether a step goes by each element of a gradient for itself.
  var goesByElements: Bool { clipNorm == 0 && update.settings(self).rule != .lamb }

  /// Whether processes may take the steps of a part of the weights each: nothing else in a step reads new weights.
  var stepsByParts: Bool { goesByElements && ema == 0 }

  /// Whether samples count more or less than one another, which may have weights of their own.
  func weighs(_ hasWeights: Bool) -> Bool { hasWeights || !classWeights.isEmpty }

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

  /// What makes probabilities of the scores that the loss looks at.
  var ending: Ending? { looksAtClasses ? .softmax : self == .binaryCrossEntropy ? .sigmoid : nil }
}
