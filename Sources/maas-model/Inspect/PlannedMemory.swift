import MaasCore
import MaasGraph
import MaasONNX
import MaasOptimizer
import MaasRuntime

/// What the planner says about a model whose inputs have numbers for all dimensions.
struct PlannedMemory {
  /// The memory of one run besides inputs, outputs and weights.
  let arenaBytes: Int
  /// Weights in the layout of the kernels.
  let packedBytes: Int
  let steps: Int
  /// False where data decides how the run goes on, so that only the plan of its first part is known.
  let isWhole: Bool

  /// Nil where an input has a dimension without a number.
  init?(_ model: InspectedModel) throws(MaasError) {
    guard model.symbols.isEmpty, model.graph.inputs.allSatisfy({ model.graph[$0].shape != nil }) else {
      return nil
    }
    var graph = model.graph
    do {
      try graph.inferValues()
      try optimize(&graph, .all)
      let options = ExecutionOptions(threads: 1, memoryLimit: maximumBytes, planCacheLimit: 0)
      let executable = Executable(graph, weights: WeightCache(graph), options: options)
      try executable.prepare()
      let statistics = executable.statistics
      (arenaBytes, packedBytes, steps) = (statistics.arenaBytes, statistics.packedBytes, statistics.steps)
    } catch {
      throw error.inFile(model.path)
    }
    isWhole =
      model.made.allSatisfy { model.fact($0)?.isComplete ?? false }
      && !model.graph.nodes.contains(where: model.leavesPlan)
  }
}

extension InspectedModel {
  /// Whether the node runs between plans, or puts a body in its place.
  fileprivate func leavesPlan(_ node: Node) -> Bool {
    let dtypes = node.inputs.map { fact($0)?.dtype }
    return node.op.selectsBody || node.op.host(dtypes, node.outputs.map { fact($0) }) != nil
  }
}
