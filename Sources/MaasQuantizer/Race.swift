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

  /// The median of the runs since it was asked for last.
  mutating func median() -> Double {
    defer { times.removeAll(keepingCapacity: true) }
    return times.sorted()[times.count / 2]
  }
}

/// A graph with its inputs.
struct Contestant {
  let graph: Graph
  let inputs: [Tensor]
}

/// Microseconds of a run of a graph and of what it becomes.
typealias Times = (before: Double, after: Double)

/// Runs two graphs in turn, so that whatever else the machine does slows both: the times of the burst whose ratio is
/// the median one. Of five bursts, or of those that two seconds are enough for.
func race(_ before: Contestant, _ after: Contestant, threads: Int) throws(MaasError) -> Times {
  var first = try Runner(before.graph, before.inputs, threads: threads)
  var second = try Runner(after.graph, after.inputs, threads: threads)
  var bursts: [Times] = []
  let begin = maas_sys_now_ns()
  while bursts.isEmpty || bursts.count < 5 && maas_sys_now_ns() - begin < 2_000_000_000 {
    bursts.append(try burst(&first, &second))
  }
  let ratios = bursts.map { $0.after / $0.before }
  let median = ratios.sorted()[ratios.count / 2]
  return bursts[ratios.firstIndex { $0 == median } ?? 0]
}

/// Microseconds of the median runs.
private func burst(_ first: inout Runner, _ second: inout Runner) throws(MaasError) -> Times {
  let (leastRuns, mostRuns, nanoseconds) = (3, 201, Int64(20_000_000))
  let begin = maas_sys_now_ns()
  for i in 0..<mostRuns where i < leastRuns || maas_sys_now_ns() - begin < nanoseconds {
    try first.run()
    try second.run()
  }
  return (first.median(), second.median())
}
