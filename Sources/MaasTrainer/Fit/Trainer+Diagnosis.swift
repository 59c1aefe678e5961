import MaasCore
import MaasGraph
import MaasOps
import MaasOptimizer
import MaasRuntime

extension Trainer {
  /// Why the loss of the batch or its gradient is not finite. The step has changed nothing, so that it can be looked
  /// at again. Of several processes all give the answer of the first one that finds something.
  func diagnosis(_ graph: BoundGraph, _ loss: Double) throws(MaasError) -> MaasError {
    let loss = Float(loss)
    let what = loss.isFinite ? "a gradient is NaN or infinite" : "the loss is \(loss)"
    let problem = "\(what) in step \(place.step) of epoch \(place.epoch)"
    let cause = try cause(graph, problem, isBehindLoss: loss.isFinite)
    let own =
      cause
      ?? MaasError(.outOfRange, "\(problem), or nearly so, as numbers grew too large", hint: Self.advice)
    guard let collective else { return own }
    return MaasError(own.code, try collective.statement(own.message, counts: cause != nil))
  }

  /// Nil where nothing of this process is wrong: its numbers are finite until they are added up, by a sum or over
  /// processes.
  private func cause(
    _ graph: BoundGraph, _ problem: String, isBehindLoss: Bool
  ) throws(MaasError) -> MaasError? {
    if let error = oddData(graph, problem) { return error }
    for (i, tensor) in memory.parameters.enumerated() where !tensor.isFinite {
      return MaasError(
        .outOfRange, "\(problem), as a step before made a parameter NaN or infinite",
        tensor: model.parameters[i].name, hint: Self.advice)
    }
    guard let culprit = try firstOddity(graph, isBehindLoss: isBehindLoss) else { return nil }
    return MaasError(.outOfRange, "\(problem), as numbers grew too large here", hint: Self.advice)
      .inNode(culprit.name, culprit.op.name)
  }

  /// The error for data that are not finite; nil where they are.
  func oddData(_ graph: BoundGraph, _ problem: String) -> MaasError? {
    for tensor in graph.batch where !tensor.isFinite {
      let input = graph.inputs.firstIndex { $0.bytes == tensor.bytes } ?? 0
      let training = graph.training.graph
      return MaasError(
        .outOfRange, "\(problem), as the data have NaN or infinite numbers",
        tensor: training[training.inputs[input]].name, hint: "look for them and fill or leave them out")
    }
    return nil
  }

  private static let advice =
    "lower learning_rate, set clip_norm, or scale the features to a mean of 0 and a deviation of 1"

  /// The first node, of all or of those behind the loss, whose result is not finite. Other processes are not asked.
  private func firstOddity(_ bound: BoundGraph, isBehindLoss: Bool) throws(MaasError) -> Node? {
    let training = try TrainingGraph(model, options, bound.training.form)
    var graph = training.graph
    try graph.inferValues()
    let first = isBehindLoss ? graph.nodes.firstIndex { $0.op is Objective } ?? 0 : 0
    var looked: [(node: Node, value: ValueID)] = []
    for node in graph.nodes[first...] where !node.op.isOfUpdate {
      for case .some(let output) in node.outputs where graph[output].dtype == .float {
        looked.append((node, output))
      }
    }
    graph.outputs = looked.map { $0.value }
    let executable = Executable(graph, weights: WeightCache(graph), options: execution)
    var inputs = bound.inputs
    if let share = bound.training.roles.firstIndex(of: .share) { inputs.remove(at: share) }
    let results = try executable.run(inputs, looked.map { _ in .allocated(keep: false) })
    for (i, result) in results.enumerated() {
      if let result, !result.isFinite { return looked[i].node }
    }
    return nil
  }
}

extension Operator {
  /// Whether it makes a step of gradients, or looks at whether to.
  fileprivate var isOfUpdate: Bool {
    self is ParameterUpdate || self is PanelProductUpdate || self is GradientMeasure || self is ProductBound
  }
}
