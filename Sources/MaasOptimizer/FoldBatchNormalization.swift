import MaasCore
import MaasGraph
import MaasOps

/// BatchNormalization behind a product or convolution with constant weights is a scale per filter and a bias: it moves
/// into them.
let foldBatchNormalization = Rule(name: "FoldBatchNormalization", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  let uses = graph.useCounts()
  return try graph.fuseIntoProducers { (node, _, producer, graph) throws(MaasError) in
    guard let normalization = node.op as? BatchNormalization, node.outputs.count == 1,
      let linear = graph.linear(producer, uses), let output = producer.outputs[0],
      let rank = graph[output].shape?.rank,
      linear.channelAxis(rank: rank) == 1,
      let factors = try channelFactors(normalization, node, graph, count: linear.filters)
    else { return nil }
    return try graph.folding(factors, into: producer, linear, node.outputs)
  }
}

private func channelFactors(
  _ op: BatchNormalization, _ node: Node, _ graph: Graph, count: Int
) throws(MaasError) -> ChannelFactors? {
  var tensors: [Tensor] = []
  for i in 1..<5 {
    guard let tensor = graph.floatConstant(node.inputs[at: i] ?? nil, count: count) else { return nil }
    tensors.append(tensor)
  }
  return try op.factors(tensors).map {
    ChannelFactors(scale: $0.scale.elements(as: Float.self), shift: $0.shift.elements(as: Float.self))
  }
}
