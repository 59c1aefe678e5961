import CMaasSystem
import MaasCore
import MaasGraph
import MaasONNX
import MaasOptimizer

/// A model behind the optimizer's rules, ready to be written.
struct OptimizedModel {
  let path: String
  let info: ModelInfo
  let graph: Graph
  /// The graph as it runs, with what ONNX has no form for.
  let planned: Graph
  let nodesBefore: Int
  let rules: [RuleReport]

  struct RuleReport {
    let name: String
    let count: Int
    let nanoseconds: Int64
  }

  init(path: String, level: OptimizationLevel) throws(MaasError) {
    do {
      let model = try ONNXModel(path: path)
      var graph = try model.graph(keepsForms: true)
      nodesBefore = graph.nodes.count
      try graph.inferValues()
      var reports: [RuleReport] = []
      var begin = maas_sys_now_ns()
      func report(_ rule: Rule, _ count: Int) {
        let end = maas_sys_now_ns()
        reports.append(RuleReport(name: rule.name, count: count, nanoseconds: end - begin))
        begin = end
      }
      try optimize(&graph, level, keepsOrigins: true, observe: report)
      var planned = graph
      try optimize(&planned, level) { if $0.isInternal { report($0, $1) } else { begin = maas_sys_now_ns() } }
      self.path = path
      self.graph = graph
      self.planned = planned
      info = try model.info()
      rules = reports
    } catch {
      throw error.inFile(path)
    }
  }
}
