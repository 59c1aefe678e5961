import MaasCore
import MaasGraph

/// Nodes whose outputs nobody reads.
let eliminateDeadNodes = Rule(name: "EliminateDeadNodes", effect: .exact) { graph in
  let count = graph.nodes.count
  graph.removeDeadNodes()
  return count - graph.nodes.count
}
