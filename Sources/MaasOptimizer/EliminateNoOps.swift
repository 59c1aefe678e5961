import MaasCore
import MaasGraph
import MaasOps

/// Nodes that change nothing, as their types, shapes and constants tell: readers take the input instead.
let eliminateNoOps = Rule(name: "EliminateNoOps", effect: .exact) { graph in
  let outputs = Set(graph.outputs)
  let mixed = graph.mixedSizes()
  var replacements: [ValueID: ValueID] = [:]
  for i in graph.nodes.indices {
    let node = graph.nodes[i]
    guard let output = node.outputs.first ?? nil, !outputs.contains(output),
      node.outputs.dropFirst().allSatisfy({ $0 == nil }),
      let input = graph.untouchedInput(node, mixed)
    else { continue }
    replacements[output] = replacements[input] ?? input
  }
  graph.replaceUses(replacements)
  return replacements.count
}

extension Graph {
  /// The input that a node gives on as it is.
  fileprivate func untouchedInput(_ node: Node, _ mixed: Set<Dim>) -> ValueID? {
    guard let x = node.inputs.first ?? nil, let y = node.outputs.first ?? nil, let dtype = self[x].dtype,
      dtype == self[y].dtype, self[x].container == nil
    else { return nil }
    if node.op is Dropout { return node.op.isRandom ? nil : x }
    guard let from = self[x].shape, from == self[y].shape else {
      return (node.op as? Binary).flatMap { neutral($0, node, y) }
    }
    if let op = node.op as? Transpose {
      return isOrdered(op.perm ?? Array((0..<from.rank).reversed())) ? x : nil
    }
    if node.op is Cast { return x }
    let isCertain = mixed.isDisjoint(with: from.dims)
    if node.op.isReshaping { return isCertain ? x : nil }
    // Where two sizes meet that are both unknown, the result is named after one of them.
    if node.op is Expand {
      return from.dims.allSatisfy { $0.value != nil } || isConstant(node.inputs[at: 1] ?? nil) ? x : nil
    }
    if node.op is Concat || node.op is Variadic { return node.inputs.count == 1 ? x : nil }
    if node.op is SliceOperator { return isCertain && isEach(node.inputs[at: 4] ?? nil, 1) ? x : nil }
    if node.op is Pad { return node.inputs.count > 1 && isEach(node.inputs[1], 0) ? x : nil }
    return (node.op as? Binary).flatMap { neutral($0, node, y) }
  }

  private func isConstant(_ id: ValueID?) -> Bool { id.map { self[$0].constant != nil } ?? false }

  private func isOrdered(_ order: [Int]) -> Bool { order.enumerated().allSatisfy { $0 == $1 } }

  /// True for a constant of equal integers, and for none at all.
  private func isEach(_ id: ValueID?, _ value: Int) -> Bool {
    guard let id else { return value == 1 }
    return self[id].constant?.integers?.allSatisfy { $0 == value } ?? false
  }

  /// The operand that is multiplied or divided by one, or has zero taken from it.
  private func neutral(_ op: Binary, _ node: Node, _ y: ValueID) -> ValueID? {
    guard op.isPlain, let neutral: Float = ["Mul": 1, "Div": 1, "Sub": 0][op.name] else { return nil }
    for i in (op.name == "Mul" ? 0 : 1)..<2 {
      guard let x = node.inputs[1 - i], self[x].shape != nil, self[x].shape == self[y].shape,
        let number = floatConstant(node.inputs[i], count: 1)?.elements(as: Float.self).first,
        number == neutral,
        number.sign == .plus
      else { continue }
      return x
    }
    return nil
  }
}
