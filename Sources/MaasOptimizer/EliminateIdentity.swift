import MaasCore
import MaasGraph

/// Nodes that hand their input on: readers take the input itself. Graph outputs keep the node, which carries their
/// name.
let eliminateIdentity = Rule(name: "EliminateIdentity", effect: .exact) { graph in
  let outputs = Set(graph.outputs)
  var replacements: [ValueID: ValueID] = [:]
  for node in graph.nodes where node.op.forwards {
    guard let input = node.inputs.first ?? nil, let output = node.outputs.first ?? nil,
      !outputs.contains(output)
    else { continue }
    replacements[output] = replacements[input] ?? input
  }
  graph.replaceUses(replacements)
  return replacements.count
}
