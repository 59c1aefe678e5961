import MaasCore
import MaasGraph
import MaasONNX
import MaasOps

/// What makes probabilities of scores: ONNX's op_type.
enum Ending: String {
  case softmax = "Softmax"
  case sigmoid = "Sigmoid"
}

/// A graph of inference, with what of it training changes. Values keep their numbers in all graphs that come of it.
struct TrainableModel {
  /// As it is written: with all nodes, but parameters without elements.
  let graph: Graph
  let parameters: [Parameter]
  let statistics: [Parameter]
  let adapters: [Adapter]
  /// The first output of floats that depends on what is trained.
  let output: ValueID
  /// What losses look at: that output, or the scores in front of its softmax or sigmoid.
  let prediction: ValueID
  let hasEnding: Bool

  var trainedIDs: [ValueID] { parameters.map { $0.id } }

  /// `learned` are constants that training may change; running statistics among them are none.
  init(_ graph: Graph, _ options: TrainerOptions, _ learned: [ValueID]) throws(MaasError) {
    if graph.inputs.isEmpty { throw MaasError(.invalidModel, "a model to train needs inputs") }
    var copy = graph
    let moved = graph.statistics()
    if options.lora.rank > 0 {
      adapters = try copy.addAdapters(options)
      parameters = adapters.flatMap { [$0.a, $0.b] }
    } else {
      adapters = []
      parameters = try copy.takeParameters(
        learned.filter { !moved.contains($0) && !matches(graph[$0].name, options.frozen) })
    }
    guard !parameters.isEmpty else {
      throw MaasError(
        .invalidArgument, "there is nothing to train", expected: "float weights of layers that are not frozen"
      )
    }
    statistics = try copy.takeParameters(moved)
    self.graph = copy
    output = try graph.trainedOutput(adapters.isEmpty ? parameters.map { $0.id } : adapters.map { $0.weight })
    let scores = graph.scores(output, options.loss)
    (prediction, hasEnding) = (scores ?? output, scores != nil)
  }
}

extension Graph {
  /// Gives constants memory of their own, which training writes to.
  fileprivate mutating func takeParameters(_ ids: [ValueID]) throws(MaasError) -> [Parameter] {
    var parameters: [Parameter] = []
    for id in ids {
      guard let tensor = self[id].constant else { continue }
      parameters.append(try Parameter(id, self[id].name, tensor, weightPanels(of: id, tensor.shape)))
      self[id].constant = nil
    }
    return parameters
  }

  /// The first output of floats that depends on `trained`.
  package func trainedOutput(_ trained: [ValueID]) throws(MaasError) -> ValueID {
    let behind = dependents(of: trained, fixed: [], upTo: outputs, except: discreteValues()).values
    if let found = outputs.first(where: { self[$0].dtype == .float && behind.contains($0) }) { return found }
    throw MaasError(
      .unsupported, "no output can be trained", expected: "a tensor of floats that depends on weights",
      found: joined(outputs.map { "'\(self[$0].name)' of \(self[$0].dtype?.name ?? "?")" }, ", "))
  }

  /// What the node of an output makes probabilities of, if the loss does that itself.
  package func scores(_ output: ValueID, _ loss: LossFunction) -> ValueID? {
    guard let last = nodes.last(where: { $0.outputs.first == output }), let ending = loss.ending,
      forms[last.op]?.name == ending.rawValue
    else { return nil }
    return last.inputs.first ?? nil
  }
}

/// A graph whose parameters are inputs behind the features, so that they can change between runs.
struct OpenGraph: ~Copyable {
  private(set) var graph: Graph
  private(set) var roles: [TrainingGraph.Role]

  init(_ model: TrainableModel) {
    graph = model.graph
    roles = graph.inputs.indices.map { .feature($0) }
    for (i, parameter) in model.parameters.enumerated() { open(parameter, .parameter(i)) }
    for (i, parameter) in model.statistics.enumerated() { open(parameter, .statistic(i)) }
    for adapter in model.adapters { graph.insert(adapter) }
  }

  private mutating func open(_ parameter: Parameter, _ role: TrainingGraph.Role) {
    graph.inputs.append(parameter.id)
    roles.append(role)
    if let panels = parameter.panels { graph.readPanels(of: parameter.id, panels) }
  }
}
