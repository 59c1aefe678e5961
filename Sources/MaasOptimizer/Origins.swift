import MaasCore
import MaasGraph

extension Graph {
  /// Lets every node that a rule made know the nodes of the graph before that made the same values and are gone, with
  /// all they need that is gone too, be it only now.
  mutating func keepOrigins(_ before: Graph) {
    let (then, now) = (before.producers(), producers())
    for i in nodes.indices where nodes[i].origin == nil && !before.has(nodes[i], then) {
      nodes[i] = nodes[i].replacing(
        before.makers(of: nodes[i].outputs, then) { now[$0.index] == nil && self[$0].constant == nil })
    }
    let values = values
    for i in nodes.indices {
      guard let origin = nodes[i].origin else { continue }
      let isGone = { (id: ValueID) in now[id.index] == nil && values[id.index].constant == nil }
      var gone: [ValueID?] = []
      for id in origin.reads where isGone(id) { gone.append(id) }
      nodes[i].origin = origin.preceded(by: before.makers(of: gone, then, isGone: isGone))
    }
  }

  /// Whether the node stood here already.
  private func has(_ node: Node, _ producers: [Int?]) -> Bool {
    guard let output = node.outputs.compactMap({ $0 }).first, let i = producers[at: output.index] ?? nil
    else {
      return false
    }
    return nodes[i].op === node.op && nodes[i].inputs == node.inputs && nodes[i].outputs == node.outputs
  }

  /// The nodes that make some values, and those that make what these read as far as it is gone, in their order.
  private func makers(of outputs: [ValueID?], _ producers: [Int?], isGone: (ValueID) -> Bool) -> [Node] {
    var found: Set<Int> = []
    var waiting = outputs.compactMap { $0 }
    while let value = waiting.popLast() {
      guard let i = producers[at: value.index] ?? nil, found.insert(i).inserted else { continue }
      waiting += nodes[i].inputs.compactMap { $0 }.filter(isGone)
    }
    return found.sorted().map { nodes[$0] }
  }
}
