import MaasCore

extension Graph {
  /// True when every value is made once, before it is read, and every name of a value belongs to this graph.
  package var isConsistent: Bool {
    var made = values.map { $0.constant != nil }
    for input in inputs where input.index < values.count { made[input.index] = true }
    for node in nodes {
      for case .some(let input) in node.inputs {
        guard input.index < values.count, made[input.index] else { return false }
      }
      for case .some(let output) in node.outputs {
        guard output.index < values.count, !made[output.index] else { return false }
        made[output.index] = true
      }
    }
    return outputs.allSatisfy { $0.index < values.count && made[$0.index] }
  }
}
