import MaasCore
import MaasGraph
import MaasONNX
import MaasOps

/// A graph of inference, with what of it training changes. Values keep their numbers in all graphs that come of it.
struct TrainableModel {
  /// As it is written: with all nodes, and parameters as constants.
  let graph: Graph
  let parameters: [Parameter]
  let statistics: [Parameter]
  /// What losses look at: the model's first output, or what stands in front of its last softmax or sigmoid.
  let prediction: ValueID
  /// What makes probabilities of the predictions at the end of the model.
  let ending: Ending

  enum Ending { case none, softmax, sigmoid }

  init(_ graph: Graph, _ options: TrainerOptions) throws(MaasError) {
    guard let output = graph.outputs.first, !graph.inputs.isEmpty else {
      throw MaasError(.invalidModel, "a model to train needs inputs and an output")
    }
    var copy = graph
    let statistics = graph.statistics()
    let learned = graph.learnedConstants().filter { !matches(graph[$0].name, options.frozen) }
    guard !learned.isEmpty else {
      throw MaasError(
        .invalidArgument, "there is nothing to train", expected: "float weights of layers that are not frozen"
      )
    }
    parameters = try copy.takeParameters(learned)
    self.statistics = try copy.takeParameters(statistics)
    self.graph = copy
    (prediction, ending) = graph.prediction(output, options.loss)
  }
}

extension Graph {
  /// Gives constants memory of their own, which training writes to.
  fileprivate mutating func takeParameters(_ ids: [ValueID]) throws(MaasError) -> [Parameter] {
    var parameters: [Parameter] = []
    for id in ids {
      guard let tensor = try self[id].constant?.copied() else { continue }
      self[id].constant = tensor
      parameters.append(Parameter(id: id, name: self[id].name, tensor: tensor))
    }
    return parameters
  }

  /// Losses of scores do themselves what a model's last node does with the scores.
  fileprivate func prediction(_ output: ValueID, _ loss: LossFunction) -> (ValueID, TrainableModel.Ending) {
    guard let last = nodes.last(where: { $0.outputs.first == output }), let scores = last.inputs.first ?? nil
    else {
      return (output, .none)
    }
    switch (forms[last.op]?.name, loss) {
    case ("Softmax", .crossEntropy), ("Softmax", .divergence): return (scores, .softmax)
    case ("Sigmoid", .binaryCrossEntropy): return (scores, .sigmoid)
    default: return (output, .none)
    }
  }
}

/// A graph whose parameters are inputs behind the features, so that they can change between runs.
struct OpenGraph {
  private(set) var graph: Graph
  let features: Int

  init(_ model: TrainableModel) {
    graph = model.graph
    features = graph.inputs.count
    for parameter in model.parameters + model.statistics {
      graph[parameter.id].constant = nil
      graph.inputs.append(parameter.id)
    }
    graph.outputs = [model.prediction]
  }

  /// The inputs that are no parameters.
  var featureIDs: ArraySlice<ValueID> { graph.inputs.prefix(features) }
}
