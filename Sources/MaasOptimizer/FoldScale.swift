import MaasCore
import MaasGraph
import MaasOps

/// What a product or convolution with constant weights makes or reads, times a constant for all or for each channel, or
/// divided by it, needs other weights only; what is added to the results goes into the bias.
let foldScale = Rule(name: "FoldScale", effect: .rounding) { (graph: inout Graph) throws(MaasError) -> Int in
  var uses = graph.useCounts()
  let behind = try graph.fuseIntoProducers(inputs: [0, 1]) {
    (node, input, producer, graph) throws(MaasError) in
    guard let op = node.op as? Binary, op.isPlain, let linear = graph.linear(producer, uses),
      let numbers = graph.channelNumbers(node, input, linear.filters, linear),
      let factors = factors(op.name, numbers, input)
    else { return nil }
    return try graph.folding(factors, into: producer, linear, node.outputs)
  }
  uses = graph.useCounts()
  let before = try graph.fuseIntoProducers { (node, _, producer, graph) throws(MaasError) in
    guard let op = producer.op as? Binary, op.isPlain, let linear = graph.linear(node, uses),
      let axis = linear.inputAxis
    else { return nil }
    for i in 0..<2 {
      guard let numbers = graph.channelNumbers(producer, i, linear.weights.shape[axis], linear),
        let factors = factors(op.name, numbers, i), factors.shift == nil, let scale = factors.scale
      else { continue }
      let weights = graph.addConstant("\(node.name)/weights", try linear.weights.scaled(scale, axis: axis))
      return Node(node.name, node.op, [producer.inputs[i], weights] + node.inputs.dropFirst(2), node.outputs)
    }
    return nil
  }
  return behind + before
}

/// What a function of a channel's elements, its operand `i`, and numbers is.
private func factors(_ name: String, _ numbers: [Float], _ i: Int) -> ChannelFactors? {
  switch name {
  case "Mul": ChannelFactors(scale: numbers)
  case "Div" where i == 0 && numbers.allSatisfy { (1 / $0).isFinite }:
    ChannelFactors(scale: numbers.map { 1 / $0 })
  case "Add": ChannelFactors(shift: numbers)
  case "Sub" where i == 0: ChannelFactors(shift: numbers.map { -$0 })
  default: nil
  }
}

extension Graph {
  /// The other operand of a node that works on operand `i`, as a number for each of `count` channels.
  fileprivate func channelNumbers(_ node: Node, _ i: Int, _ count: Int, _ linear: LinearNode) -> [Float]? {
    guard let own = node.inputs[i], let shape = self[own].shape,
      shape == node.outputs[0].flatMap({ self[$0].shape })
    else { return nil }
    return channelConstant(
      node.inputs[1 - i], count: count, axis: linear.channelAxis(rank: shape.rank), rank: shape.rank)
  }
}
