import MaasCore
import MaasGraph
import MaasOptimizer
import MaasRuntime

/// A graph that is run for what its outputs are.
package final class GraphRunner {
  private let executable: Executable

  package init(_ graph: Graph, threads: Int = 0) throws(MaasError) {
    var graph = graph
    try graph.inferValues()
    try optimize(&graph, .all)
    executable = Executable(
      graph, weights: WeightCache(graph),
      options: ExecutionOptions(
        threads: threads > 0 ? threads : ThreadPool.defaultThreads, memoryLimit: maximumBytes,
        planCacheLimit: 64 << 20))
  }

  package func run(_ inputs: [Tensor]) throws(MaasError) -> [Tensor] {
    let targets: [OutputTarget?] = executable.graph.outputs.map { _ in .allocated(keep: false) }
    return try executable.run(inputs, targets).compactMap { $0 }
  }
}
