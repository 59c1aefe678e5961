import CMaasSystem
import MaasCore
import MaasGraph
import MaasOptimizer
import MaasRuntime

/// A graph bound to inputs, to be run many times.
private struct Runner {
  private let binding: Binding
  private var times: [Double] = []

  init(_ graph: Graph, _ inputs: [Tensor], threads: Int) throws(MaasError) {
    var graph = graph
    try optimize(&graph, .all)
    let executable = Executable(
      graph, weights: WeightCache(graph),
      options: ExecutionOptions(
        threads: threads > 0 ? threads : ThreadPool.defaultThreads, memoryLimit: maximumBytes,
        planCacheLimit: 0))
    binding = Binding(executable)
    for (i, input) in inputs.enumerated() { try binding.setInput(i, try aligned(input)) }
    try binding.run()
  }

  mutating func run() throws(MaasError) {
    let begin = maas_sys_now_ns()
    try binding.run()
    times.append(Double(maas_sys_now_ns() - begin) / 1000)
  }

  var median: Double { times.sorted()[times.count / 2] }
}

/// A graph with its inputs.
struct Contestant {
  let graph: Graph
  let inputs: [Tensor]
}

/// Runs two graphs in turn, so that whatever else the machine does slows both; microseconds of the median runs.
func race(_ before: Contestant, _ after: Contestant, threads: Int) throws(MaasError) -> (
  before: Double, after: Double
) {
  var first = try Runner(before.graph, before.inputs, threads: threads)
  var second = try Runner(after.graph, after.inputs, threads: threads)
  let (leastRuns, mostRuns, nanoseconds) = (9, 101, Int64(60_000_000))
  let begin = maas_sys_now_ns()
  for i in 0..<mostRuns where i < leastRuns || maas_sys_now_ns() - begin < nanoseconds {
    try first.run()
    try second.run()
  }
  return (first.median, second.median)
}
