import MaasCore
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
  private var graphs: [TrainingGraph.Form: (training: TrainingGraph, executable: Executable)] = [:]
  private var bound: [(form: TrainingGraph.Form, types: BatchTypes, graph: BoundGraph)] = []
  var forward: Executable?
  /// Where training is.
  var place = TrainerPlace()

  /// Trains a new network.
  public convenience init(_ network: Network, options: TrainerOptions = TrainerOptions()) throws(MaasError) {
    let info = ModelInfo(producerName: "maas", opset: networkOpset, graphName: "network")
    try self.init(try network.graph(seed: options.seed), info, options)
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
  package init(_ graph: Graph, _ info: ModelInfo, _ options: TrainerOptions) throws(MaasError) {
    try options.check()
    (self.options, self.info) = (options, info)
    model = try TrainableModel(graph, options)
    memory = try TrainerMemory(
      model, states: options.update.settings(options).rule.states, seed: options.seed)
  }

  var execution: ExecutionOptions {
    ExecutionOptions(
      threads: options.threads > 0 ? options.threads : ThreadPool.defaultThreads, memoryLimit: maximumBytes,
      planCacheLimit: 1 << 40)
  }

  private func graph(_ form: TrainingGraph.Form) throws(MaasError) -> (
    training: TrainingGraph, executable: Executable
  ) {
    if let known = graphs[form] { return known }
    let training = try TrainingGraph(model, options, form)
    var graph = training.graph
    try optimize(&graph, .all)
    let made = (training, Executable(graph, weights: WeightCache(graph), options: execution))
    graphs[form] = made
    return made
  }

  /// The graph for batches of this size; those of the sizes that come up are kept.
  func bound(_ part: TrainingGraph.Part, _ types: BatchTypes, size: Int) throws(MaasError) -> BoundGraph {
    let form = TrainingGraph.Form(
      hasWeights: types.hasWeights, hasIndices: types.targets.dtype == .int64, part: part)
    for known in bound where known.graph.size == size && known.form == form && known.types == types {
      return known.graph
    }
    guard types.features.count == model.graph.inputs.count else {
      throw MaasError(
        .missingInput, "the data do not have the model's inputs", expected: "\(model.graph.inputs.count)",
        found: "\(types.features.count)")
    }
    let (training, executable) = try graph(form)
    let made = try BoundGraph(training, executable, memory, types, size: size)
    if bound.count == Self.mostBound { bound.removeFirst() }
    bound.append((form, types, made))
    return made
  }
  private static let mostBound = 16
}

/// How far training has come.
struct TrainerPlace {
  /// Steps taken, in all fits.
  var step = 0
  var epoch = 0
}

// Steps.
extension Trainer {
  /// Takes a step with one batch, at the learning rate of the options; returns the loss before it.
  @discardableResult
  public func step(features: [Tensor], targets: Tensor, weights: Tensor? = nil) throws(MaasError) -> Double {
    let data = try TensorData(features: features, targets: targets, weights: weights)
    let graph = try bound(.whole, BatchTypes(data), size: data.count)
    return try step(graph, data, Array(0..<data.count)[...], rate: options.learningRate)
  }

  /// Takes a step with some of the data.
  func step(
    _ graph: BoundGraph, _ data: any TrainingData, _ samples: ArraySlice<Int>, rate: Double
  ) throws(MaasError) -> Double {
    try data.read(samples, into: graph)
    memory.rate.bytes.storeBytes(of: rate, as: Double.self)
    memory.time.bytes.storeBytes(of: Int64(place.step), as: Int64.self)
    try graph.run()
    let loss = Double(try graph.output(0).bytes.load(as: Float.self))
    guard loss.isFinite else {
      throw MaasError(.outOfRange, "the loss is no finite number in step \(place.step)")
    }
    place.step += 1
    return loss
  }
}

extension TrainingData {
  func read(_ samples: ArraySlice<Int>, into graph: BoundGraph) throws(MaasError) {
    var failure: MaasError?
    samples.withUnsafeBufferPointer { samples in
      do throws(MaasError) { try read(samples, into: graph.batch) } catch { failure = error }
    }
    if let failure { throw failure }
  }
}
