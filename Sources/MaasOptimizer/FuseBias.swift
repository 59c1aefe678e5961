import MaasCore
import MaasGraph
import MaasOps

/// Adding a constant vector to every row of a product, or to every channel of a convolution, becomes its bias.
let fuseBias = Rule(name: "FuseBias", effect: .rounding) { (graph: inout Graph) throws(MaasError) -> Int in
  try graph.fuseIntoProducers(inputs: [0, 1]) { (node, input, producer, graph) throws(MaasError) in
    guard node.op.name == "Add", node.op.isElementary, producer.inputs.count == 2 else { return nil }
    let bias = node.inputs[at: 1 - input] ?? nil
    guard let columns = biasCount(producer, graph), let tensor = graph.floatConstant(bias, count: columns),
      isBias(tensor.shape, columns, producer, graph)
    else { return nil }
    let flat = graph.addConstant("\(node.name)/bias", try tensor.reshaped([columns]))
    return Node(producer.name, producer.op, producer.inputs + [flat], node.outputs)
  }
}

/// How many columns or filters a product or convolution has; nil for other operators.
private func biasCount(_ producer: Node, _ graph: Graph) -> Int? {
  guard let weights = graph.floatConstant(producer.inputs[at: 1] ?? nil) else { return nil }
  if let product = producer.op as? MatMul {
    return product.activation.isNone && weights.shape.count == 2 ? weights.shape.last : nil
  }
  return (producer.op as? Conv)?.isLinear == true ? weights.shape.first : nil
}

/// True for shapes such as [n] or [1, n] behind a product and [n, 1, 1] behind a convolution of images: all other
/// dimensions are 1, and the result is not larger than the product.
private func isBias(_ shape: [Int], _ count: Int, _ producer: Node, _ graph: Graph) -> Bool {
  guard let output = producer.outputs[at: 0] ?? nil, let rank = graph[output].shape?.rank, shape.count <= rank
  else { return false }
  let fromEnd = producer.op is MatMul ? 0 : rank - 2
  let axis = shape.count - 1 - fromEnd
  return axis >= 0 && shape[axis] == count && shape.enumerated().allSatisfy { $0 == axis || $1 == 1 }
}
