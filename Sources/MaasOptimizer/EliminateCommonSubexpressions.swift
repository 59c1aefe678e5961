import MaasCore
import MaasGraph

/// A node with the operator and the inputs of one before it: readers take what that one makes. Graph outputs keep the
/// node, which carries their name.
let eliminateCommonSubexpressions = Rule(name: "EliminateCommonSubexpressions", effect: .exact) { graph in
  let outputs = Set(graph.outputs)
  var producers = graph.producers()
  var known: [Int: ValueID] = [:]
  var replacements: [ValueID: ValueID] = [:]
  var nodes: [Node] = []
  for var node in graph.nodes {
    if !replacements.isEmpty { node.inputs = node.inputs.map { $0.map { replacements[$0] ?? $0 } } }
    let key = node.fingerprint
    if let i = known[key].flatMap({ producers[$0.index] }), nodes[i].gives(all: node, but: outputs) {
      for case (.some(let own), .some(let same)) in zip(node.outputs, nodes[i].outputs) {
        replacements[own] = same
      }
      continue
    }
    for case .some(let output) in node.outputs {
      producers[output.index] = nodes.count
      if known[key] == nil { known[key] = output }
    }
    nodes.append(node)
  }
  let count = graph.nodes.count - nodes.count
  graph.nodes = nodes
  return count
}

extension Node {
  /// Equal for nodes that do the same.
  fileprivate var fingerprint: Int {
    var hash = ObjectIdentifier(op as AnyObject).hashValue
    for input in inputs { hash = (hash ^ (input?.index ?? -1)) &* 0x100_0000_01b3 }
    return hash
  }

  /// Whether it makes what `other` makes, none of which is one of `outputs`.
  fileprivate func gives(all other: Node, but outputs: Set<ValueID>) -> Bool {
    guard op === other.op, inputs == other.inputs, !op.isRandom else { return false }
    for (i, id) in other.outputs.enumerated() {
      if let id, outputs.contains(id) || (self.outputs[at: i] ?? nil) == nil { return false }
    }
    return true
  }
}
