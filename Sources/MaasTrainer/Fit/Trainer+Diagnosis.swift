import MaasCore
import MaasGraph
import MaasOps
import MaasOptimizer
import MaasRuntime

extension Trainer {
  /// Why the loss of the batch is no finite number. The step has changed nothing, so that it can be looked at again.
  func diagnosis(_ graph: BoundGraph, _ loss: Double) throws(MaasError) -> MaasError {
    let problem = "the loss is \(loss) in step \(place.step) of epoch \(place.epoch)"
    for (role, tensor) in zip(graph.training.roles, graph.inputs) where !tensor.isFinite {
      switch role {
      case .feature, .targets, .weights:
        return MaasError(
          .outOfRange, "\(problem), as the data have NaN or infinite numbers",
          tensor: graph.training.name(role), hint: "look for them and fill or leave them out")
      case .parameter(let i):
        return MaasError(
          .outOfRange, "\(problem), as a step before made a parameter NaN or infinite",
          tensor: model.parameters[i].name, hint: Self.advice)
      default: continue
      }
    }
    let culprit = try firstOddity(graph)
    let error = MaasError(
      .outOfRange, "\(problem), as numbers grew too large here", hint: Self.advice)
    return culprit.map { error.inNode($0.name, $0.op.name) } ?? error
  }

  private static let advice =
    "lower learning_rate, set clip_norm, or scale the features to a mean of 0 and a deviation of 1"

  /// The first node whose result is not finite.
  private func firstOddity(_ bound: BoundGraph) throws(MaasError) -> Node? {
    var graph = bound.training.graph
    try graph.inferValues()
    var looked: [(node: Node, value: ValueID)] = []
    for node in graph.nodes where !(node.op is ParameterUpdate) {
      for case .some(let output) in node.outputs where graph[output].dtype == .float {
        looked.append((node, output))
      }
    }
    graph.outputs = looked.map { $0.value }
    let executable = Executable(graph, weights: WeightCache(graph), options: execution)
    let results = try executable.run(bound.inputs, looked.map { _ in .allocated(keep: false) })
    for (i, result) in results.enumerated() {
      if let result, !result.isFinite { return looked[i].node }
    }
    return nil
  }
}

extension TrainingGraph {
  fileprivate func name(_ role: Role) -> String? {
    roles.firstIndex(of: role).map { graph[graph.inputs[$0]].name }
  }
}

extension Tensor {
  /// Whether no element is NaN or infinite.
  fileprivate var isFinite: Bool { dtype != .float || elements(as: Float.self).allSatisfy { $0.isFinite } }
}
