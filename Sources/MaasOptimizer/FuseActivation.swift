import MaasCore
import MaasGraph
import MaasOps

/// A unary function behind a float product, convolution or sum that nobody else reads becomes part of it, and is
/// applied while the results are still in cache.
let fuseActivation = Rule(name: "FuseActivation", effect: .exact) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.fuseIntoProducers { (node, _, producer, graph) throws(MaasError) in
    guard let activation = fusibleActivation(node, graph), let op = producer.op.adding(activation) else {
      return nil
    }
    return Node(producer.name, op, producer.inputs, node.outputs)
  }
}

/// The function that a node is, if it is one that other operators can apply to their results.
func fusibleActivation(_ node: Node, _ graph: Graph) -> Activation? {
  if let unary = node.op as? Unary { return unary.activation }
  guard let clip = node.op as? Clip else { return nil }
  func fact(_ i: Int) -> Fact?? {
    guard let id = node.inputs[at: i] ?? nil else { return .some(nil) }
    return graph[id].constant.map { Fact(constant: $0) }
  }
  guard let low = fact(1), let high = fact(2) else { return nil }
  return clip.activation(min: low, max: high)
}

extension Operator {
  /// The same operator with `activation` behind it; nil for operators that fuse none.
  fileprivate func adding(_ activation: Activation) -> (any Operator)? {
    if let conv = self as? Conv { return conv.adding(activation) }
    if let gemm = self as? Gemm { return gemm.adding(activation) }
    #if !hasFeature(Embedded)
      if let product = self as? PanelProduct { return product.adding(activation) }
    #endif
    if let product = self as? MatMul {
      return product.activation.isNone ? MatMul(activation: activation) : nil
    }
    if let binary = self as? Binary { return binary.adding(activation) }
    if let normalization = self as? BatchNormalization { return normalization.adding(activation) }
    return nil
  }
}
