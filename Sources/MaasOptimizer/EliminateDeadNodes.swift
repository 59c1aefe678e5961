import MaasCore
import MaasGraph

/// Nodes whose outputs nobody reads.
let eliminateDeadNodes = Rule(name: "EliminateDeadNodes", effect: .exact) { graph in
  var needed = Set(graph.outputs)
  var alive: [Node] = []
  for node in graph.nodes.reversed()
  where node.outputs.contains(where: { $0.map { needed.contains($0) } ?? false }) {
    for case .some(let input) in node.inputs { needed.insert(input) }
    alive.append(node)
  }
  let dead = graph.nodes.count - alive.count
  graph.nodes = alive.reversed()
  return dead
}
