import MaasCore
import MaasGraph
import MaasOps

/// A transposition of a transposition is one of the first one's input.
let mergeTransposes = Rule(name: "MergeTransposes", effect: .exact) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard let outer = (node.op as? Transpose)?.perm, let inner = matcher.node(node.inputs[0]),
      let order = (inner.op as? Transpose)?.perm, order.count == outer.count,
      outer.sorted() == Array(order.indices)
    else { return nil }
    return Node(node.name, Transpose(perm: outer.map { order[$0] }), inner.inputs, node.outputs)
  }
}
