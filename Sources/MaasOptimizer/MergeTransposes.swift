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

/// One slice of a transposition is the slice of its input, if the other dimensions keep their order: whoever wants the
/// last step of a sequence need not turn the whole.
let sliceBeforeTransposing = Rule(name: "SliceBeforeTransposing", effect: .exact) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard let gather = node.op as? Gather, matcher.shape(node.inputs[1])?.count == 0,
      let inner = matcher.node(node.inputs[0]), var others = (inner.op as? Transpose)?.perm
    else { return nil }
    let axis = gather.axis < 0 ? gather.axis + others.count : gather.axis
    guard others.indices.contains(axis) else { return nil }
    let sliced = others.remove(at: axis)
    guard others == others.sorted() else { return nil }
    return Node(node.name, Gather(axis: sliced), [inner.inputs[0], node.inputs[1]], node.outputs)
  }
}
