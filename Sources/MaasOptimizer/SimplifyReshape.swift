import MaasCore
import MaasGraph
import MaasOps

/// The target of a reshape, computed by other nodes, becomes a constant where inference tells it: dimensions of the
/// input are kept, and at most one takes what is left. A reshape of a reshape takes the first one's input.
let simplifyReshape = Rule(name: "SimplifyReshape", effect: .exact) {
  (graph: inout Graph) throws(MaasError) -> Int in
  let mixed = graph.mixedSizes()
  return try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard node.op is Reshape, node.inputs.count == 2, let x = node.inputs[0], let target = node.inputs[1]
    else {
      return nil
    }
    if let constant = matcher.graph[target].constant {
      guard let op = node.op as? Reshape, op.isAbsolute(constant), let inner = matcher.node(x),
        inner.op.isReshaping, let source = inner.inputs[0]
      else { return nil }
      return Node(node.name, op, [source, target], node.outputs)
    }
    guard let from = matcher.shape(x), let to = matcher.shape(node.outputs[0]),
      mixed.isDisjoint(with: from + to), let numbers = targetNumbers(from, to)
    else { return nil }
    let made = matcher.constant(
      "\(node.name)/shape", try Tensor(.int64, [numbers.count], numbers.map { Int64($0) }))
    return Node(node.name, Reshape(), [x, made], node.outputs)
  }
}

extension Operator {
  /// Whether output 0 is input 0 under another shape.
  var isReshaping: Bool { self is Reshape || self is Squeeze || self is Unsqueeze || self is Flatten }
}

/// 0 for a dimension that stays, -1 for one that takes the rest.
private func targetNumbers(_ from: [Dim], _ to: [Dim]) -> [Int]? {
  var numbers: [Int] = []
  for (i, dim) in to.enumerated() {
    if let value = dim.value, value != 0 {
      numbers.append(value)
    } else if dim.value == nil, dim == from[at: i] {
      numbers.append(0)
    } else if dim.value == nil, !numbers.contains(-1) {
      numbers.append(-1)
    } else {
      return nil
    }
  }
  // What a dimension takes that is left beside one of no elements cannot be told.
  return numbers.contains(0) && numbers.contains(-1) ? nil : numbers
}
