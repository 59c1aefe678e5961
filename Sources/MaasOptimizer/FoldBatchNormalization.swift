import MaasCore
import MaasGraph
import MaasOps

/// BatchNormalization behind a convolution with constant weights is a scale per filter and a bias: it moves into them.
let foldBatchNormalization = Rule(name: "FoldBatchNormalization", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.fuseIntoProducers { (node, _, producer, graph) throws(MaasError) in
    guard let normalization = node.op as? BatchNormalization,
      (producer.op as? Conv)?.isLinear == true, producer.inputs.count <= 3, node.outputs.count == 1,
      let weights = graph.floatConstant(producer.inputs[at: 1] ?? nil), let filters = weights.shape.first,
      let factors = try channelFactors(normalization, node, graph, count: filters)
    else { return nil }
    let bias = producer.inputs[at: 2] ?? nil
    if bias != nil, graph.floatConstant(bias, count: filters) == nil { return nil }
    let shifted = try folded(graph.floatConstant(bias), factors)
    let w = graph.addConstant("\(producer.name)/weights", try scaled(weights, by: factors.scale))
    let b = graph.addConstant("\(producer.name)/bias", shifted)
    return Node(producer.name, producer.op, [producer.inputs[0], w, b], node.outputs)
  }
}

private typealias Factors = (scale: [Float], shift: [Float])

private func channelFactors(
  _ op: BatchNormalization, _ node: Node, _ graph: Graph, count: Int
) throws(MaasError) -> Factors? {
  var tensors: [Tensor] = []
  for i in 1..<5 {
    guard let tensor = graph.floatConstant(node.inputs[at: i] ?? nil, count: count) else { return nil }
    tensors.append(tensor)
  }
  guard let (scale, shift) = try op.factors(tensors) else { return nil }
  return (scale.elements(as: Float.self), shift.elements(as: Float.self))
}

private func scaled(_ weights: Tensor, by scale: [Float]) throws(MaasError) -> Tensor {
  var elements = weights.elements(as: Float.self)
  let perFilter = scale.isEmpty ? 0 : elements.count / scale.count
  for i in elements.indices { elements[i] *= scale[i / perFilter] }
  return try Tensor(.float, weights.shape, elements)
}

private func folded(_ bias: Tensor?, _ factors: Factors) throws(MaasError) -> Tensor {
  var elements = factors.shift
  if let bias = bias?.elements(as: Float.self) {
    for i in elements.indices { elements[i] += bias[i] * factors.scale[i] }
  }
  return try Tensor(.float, [elements.count], elements)
}
