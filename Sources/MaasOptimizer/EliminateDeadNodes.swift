import MaasCore
import MaasGraph

/// Nodes whose outputs nobody reads.
let eliminateDeadNodes = Rule(name: "EliminateDeadNodes", effect: .exact) { graph in
  var needed = Array(repeating: false, count: graph.values.count)
  for output in graph.outputs { needed[output.index] = true }
  var alive: [Node] = []
  for node in graph.nodes.reversed()
  where node.outputs.contains(where: { $0.map { needed[$0.index] } ?? false }) {
    for case .some(let input) in node.inputs { needed[input.index] = true }
    alive.append(node)
  }
  let dead = graph.nodes.count - alive.count
  graph.nodes = alive.reversed()
  return dead
}
