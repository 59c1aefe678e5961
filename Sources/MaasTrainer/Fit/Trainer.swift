import CMaasSystem
public import MaasCore
import MaasGraph
import MaasONNX
import MaasOps
import MaasOptimizer
import MaasRuntime

/// Trains a network, or goes on training a model. For one thread at a time.
public final class Trainer {
  public internal(set) var options: TrainerOptions
  let model: TrainableModel
  let info: ModelInfo
  let memory: TrainerMemory
  private var executables: [TrainingGraph.Form: (training: TrainingGraph, executable: Executable)] = [:]
  private var bound: [(form: TrainingGraph.Form, types: BatchTypes?, size: Int, graph: BoundGraph)] = []
  var forward: Executable?
  /// Where training is.
  var place = TrainerPlace()
  /// The best parameters and statistics so far, where training may go back to them.
  var best: [Tensor] = []
  /// The processes that train together, where there are several.
  var collective: Collective?
  /// The large weights of which each of them takes the steps of a part.
  var shared: SharedWeights?
  /// The numbers of those that have taken a step since their parts were put together.
  var parted: [Int] = []
  /// Not zero there: `fit` ends before the next step.
  let cancelled: UnsafeMutablePointer<Int64>
  /// Whether a fit or a step is under way, and calls come from what it called.
  private var isBusy = false

  /// Trains a new network.
  public convenience init(_ network: Network, options: TrainerOptions = TrainerOptions()) throws(MaasError) {
    let info = ModelInfo(producerName: "maas", opset: networkOpset, graphName: "network")
    let (graph, learned) = try network.built(seed: options.seed)
    try self.init(graph, info, options, learned: learned)
  }

  /// Goes on training the ONNX model at `path`.
  public convenience init(path: String, options: TrainerOptions = TrainerOptions()) throws(MaasError) {
    do {
      let model = try ONNXModel(path: path)
      var graph = try model.graph(keepsForms: true)
      try graph.inferValues()
      try self.init(graph, try model.info(), options)
    } catch {
      throw error.inFile(path)
    }
  }

  /// `graph` keeps its forms and knows the types of its values.
  package convenience init(
    _ graph: Graph, _ info: ModelInfo, _ options: TrainerOptions
  ) throws(MaasError) {
    try self.init(graph, info, options, learned: graph.learnedConstants())
  }

  private init(
    _ graph: Graph, _ info: ModelInfo, _ options: TrainerOptions, learned: [ValueID]
  ) throws(MaasError) {
    try options.check()
    (self.options, self.info) = (options, info)
    model = try TrainableModel(graph, options, learned)
    memory = try TrainerMemory(model, options)
    cancelled = .allocate(capacity: 1)
    cancelled.initialize(to: 0)
    if options.patience > 0 {
      best = try memory.evaluated.map { (tensor) throws(MaasError) in try tensor.copied() }
    }
  }

  deinit { cancelled.deallocate() }

  /// Lets `fit` end before its next step, as if a callback had returned false. May be called on any thread, and by a
  /// handler of signals, while the trainer lives; without a fit under way it does nothing.
  public func cancel() { maas_sys_store(cancelled, 1) }

  var execution: ExecutionOptions {
    ExecutionOptions(
      threads: options.threads > 0 ? options.threads : ThreadPool.defaultThreads, memoryLimit: maximumBytes,
      planCacheLimit: 1 << 40)
  }

  /// Makes graphs anew when they are wanted next.
  func forgetGraphs() {
    executables = [:]
    bound = []
  }

  private func executable(_ form: TrainingGraph.Form) throws(MaasError) -> (
    training: TrainingGraph, executable: Executable
  ) {
    if let known = executables[form] { return known }
    let training = try TrainingGraph(model, options, form, collective, shared)
    var graph = training.graph
    try optimize(&graph, .all)
    let made = (training, Executable(graph, weights: WeightCache(graph), options: execution))
    executables[form] = made
    return made
  }

  /// The graph for batches of this size, bound; those of the sizes that come up are kept.
  func bound(_ part: TrainingGraph.Part, _ types: BatchTypes?, size: Int) throws(MaasError) -> BoundGraph {
    let form = TrainingGraph.Form(
      hasWeights: types?.hasWeights ?? false, hasIntegers: types?.targets.dtype == .int64, part: part)
    for known in bound where known.size == size && known.form == form && known.types == types {
      return known.graph
    }
    if let types, types.features.count != model.graph.inputs.count {
      throw MaasError(
        .missingInput, "the data do not have the model's inputs", expected: "\(model.graph.inputs.count)",
        found: "\(types.features.count)")
    }
    let (training, executable) = try executable(form)
    let made = try BoundGraph(training, executable, memory, types, size: size)
    if bound.count == Self.mostBound { bound.removeFirst() }
    bound.append((form, types, size, made))
    return made
  }
  private static let mostBound = 16
}

// Steps.
extension Trainer {
  /// Takes a step with one batch, at the learning rate of the options; returns the loss before it. With `accumulate`
  /// every so many batches take a step together.
  @discardableResult
  public func step(features: [Tensor], targets: Tensor, weights: Tensor? = nil) throws(MaasError) -> Double {
    try step(TensorData(features: features, targets: targets, weights: weights))
  }

  /// The same for samples that lie in one batch.
  @discardableResult
  public func step(_ batch: TensorData) throws(MaasError) -> Double {
    guard batch.count > 0 else { throw noSamples }
    let steps = FitSteps(try suited(batch), Array(0..<batch.count), batch: batch.count)
    return try alone { () throws(MaasError) in
      let loss = try step(steps, at: 0, rate: options.learningRate, isLast: false)
      try settle(isCutOff: false)
      return loss.mean
    }
  }

  /// Runs what changes the trainer; calls from within are refused.
  func alone<Result>(_ body: () throws(MaasError) -> Result) throws(MaasError) -> Result {
    try expectRest()
    isBusy = true
    defer { isBusy = false }
    return try body()
  }

  /// Refuses what a callback of the fit under way may not do.
  package func expectRest() throws(MaasError) {
    guard isBusy else { return }
    throw MaasError(
      .busy, "the trainer is training, and what is called meanwhile may only read it",
      hint: "end the fit by what its callback returns")
  }

  /// Takes the step of the batch at a position. `isLast`: no batch comes to be added to this one's gradients.
  func step(_ steps: FitSteps, at position: Int, rate: Double, isLast: Bool) throws(MaasError) -> LossSum {
    let samples = steps.samples(from: position)
    let graph = try bound(options.accumulate > 1 ? .gradients : .whole, steps.types, size: samples.count)
    try read(steps.data, samples, into: graph)
    memory.rate.bytes.storeBytes(of: rate, as: Double.self)
    memory.step.bytes.storeBytes(of: Int64(place.step), as: Int64.self)
    let share = steps.share(from: position, weighs: options.weighs(steps.types.hasWeights))
    memory.share.bytes.storeBytes(of: Float(share), as: Float.self)
    try gather()
    try graph.run()
    parted = graph.training.parted
    let loss = try graph.loss()
    guard try graph.isTaken() else { throw try diagnosis(graph, loss.mean) }
    place.batches += 1
    if options.accumulate == 1 {
      place.step += 1
    } else if place.batches == options.accumulate || isLast {
      try updateFromSums()
    }
    return loss
  }

  private func updateFromSums() throws(MaasError) {
    let graph = try bound(.update, nil, size: 0)
    try graph.run()
    let failure = try graph.isTaken() ? nil : diagnosis(graph, 0)
    for sum in memory.sums { maas_sys_zero(sum.bytes, sum.byteCount) }
    place.batches = 0
    if let failure { throw failure }
    place.step += 1
  }
}
