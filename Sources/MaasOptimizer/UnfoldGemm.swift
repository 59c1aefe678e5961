import MaasCore
import MaasGraph
import MaasOps

/// A Gemm between a reshape to a matrix and one back to the shape in front is a MatMul with a bias: what follows sees
/// the rows where they belong.
let unfoldGemm = Rule(name: "UnfoldGemm", effect: .exact) { (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard node.op is Reshape, let gemm = matcher.node(node.inputs[0]), let op = gemm.op as? Gemm, op.isPlain,
      matcher.isReadOnce(node.inputs[0]), let flat = matcher.node(gemm.inputs[0]), flat.op is Reshape,
      let x = flat.inputs[0], let from = matcher.shape(x), let to = matcher.shape(node.outputs[0]),
      matcher.graph[x].dtype == .float, from.count > 1, to.dropLast() == from.dropLast(),
      let weights = matcher.graph.floatConstant(gemm.inputs[1]), from.last == .known(weights.shape[0]),
      to.last == .known(weights.shape[1])
    else { return nil }
    guard gemm.inputs.count > 2, let bias = gemm.inputs[2] else {
      return Node(gemm.name, MatMul(), [x, gemm.inputs[1]], node.outputs)
    }
    let columns = weights.shape[1]
    guard let own = matcher.graph.floatConstant(bias, count: columns), own.shape.last == columns else {
      return nil
    }
    let row = matcher.constant("\(gemm.name)/bias", try own.reshaped([columns]))
    return Node(gemm.name, MatMul(), [x, gemm.inputs[1], row], node.outputs)
  }
}
