import MaasCore
import MaasGraph
import MaasOps

/// A bias, a residual, an activation and a quantization behind a product of quantized tensors become part of it: its
/// sums are finished before they leave the cache.
let finishQuantizedProducts = Rule(name: "FinishQuantizedProducts", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  let count = try graph.fuseIntoProducers(inputs: [0, 1]) {
    (node, input, producer, graph) throws(MaasError) in
    guard let op = producer.op as? QuantizedProduct, op.type == .float else { return nil }
    if node.op.name == "Add", node.op.isElementary, op.activation.isNone {
      return op.isConvolution
        ? try graph.addingToFilters(node, input, to: producer) : try graph.adding(node, input, to: producer)
    }
    guard input == 0 else { return nil }
    if let activation = fusibleActivation(node, graph), let active = op.adding(activation) {
      return Node(producer.name, active, producer.inputs, node.outputs)
    }
    return graph.quantizing(producer, op, by: node)
  }
  let sums = try graph.replaceNodes { (node, matcher) throws(MaasError) in matcher.quantizedSum(node) }
  return count + sums
}

extension Matcher {
  /// The product whose bytes are dequantized only to have constants for their columns added and to be quantized again.
  fileprivate func quantizedSum(_ node: Node) -> Node? {
    guard let quantize = node.op as? QuantizeLinear, quantize.isFromFloat, let y = node.outputs[0],
      isReadOnce(node.inputs[0]), let sum = self.node(node.inputs[0], "Add"), let scale = node.inputs[1],
      isOne(scale), graph[scale].dtype == .float
    else { return nil }
    let zero = node.inputs[at: 2] ?? nil
    if let zero, !isOne(zero) { return nil }
    for i in 0..<2 {
      guard isReadOnce(sum.inputs[i]), let own = quantized(sum.inputs[i]), isReadOnce(own.x),
        let product = self.node(own.x), let op = product.op as? QuantizedProduct, !op.isConvolution,
        product.inputs.count == QuantizedProduct.Input.moreBias.rawValue, graph[y].dtype == op.type,
        product.inputs.suffix(2) == [own.scale, own.zero], let columns = shape(own.x)?.last?.value,
        let bias = graph.floatConstant(sum.inputs[1 - i], count: columns), bias.shape.last == columns,
        shape(y) == shape(own.x)
      else { continue }
      return Node(product.name, op, product.inputs + [sum.inputs[1 - i], scale, zero], node.outputs)
    }
    return nil
  }
}

extension Graph {
  /// The product with the other summand as its bias or residual.
  fileprivate mutating func adding(_ node: Node, _ input: Int, to producer: Node) throws(MaasError) -> Node? {
    guard let other = node.inputs[1 - input], other != node.inputs[input], self[other].dtype == .float,
      let result = producer.outputs[0], let shape = self[result].shape,
      self[node.outputs[0] ?? result].shape == shape
    else { return nil }
    var inputs =
      producer.inputs
      + [ValueID?](repeating: nil, count: QuantizedProduct.Input.count - producer.inputs.count)
    let (bias, residual) = (QuantizedProduct.Input.bias.rawValue, QuantizedProduct.Input.residual.rawValue)
    if let tensor = self[other].constant, inputs[bias] == nil, inputs[residual] == nil,
      shape.dims.last == .known(tensor.count), tensor.shape.last == tensor.count
    {
      inputs[bias] = addConstant("\(node.name)/bias", try tensor.reshaped([tensor.count]))
    } else if self[other].shape == shape, inputs[residual] == nil {
      inputs[residual] = other
    } else {
      return nil
    }
    return Node(producer.name, producer.op, inputs, node.outputs)
  }

  /// The convolution with the other summand as the bias of its filters.
  fileprivate mutating func addingToFilters(
    _ node: Node, _ input: Int, to producer: Node
  ) throws(MaasError) -> Node? {
    let own = QuantizedProduct.Input.bias.rawValue
    guard let result = producer.outputs[0], let shape = self[result].shape,
      let filters = shape.dims[at: 1]?.value,
      self[node.outputs[0] ?? result].shape == shape, (producer.inputs[at: own] ?? nil) == nil,
      let numbers = channelConstant(node.inputs[1 - input], count: filters, axis: 1, rank: shape.rank)
    else { return nil }
    let bias = addConstant("\(node.name)/bias", try Tensor(.float, [filters], numbers))
    let inputs = producer.inputs + [ValueID?](repeating: nil, count: max(0, own - producer.inputs.count))
    return Node(
      producer.name, producer.op, Array(inputs.prefix(own)) + [bias], node.outputs)
  }

  /// The product with an output of the integers that `node` makes of it.
  fileprivate func quantizing(_ producer: Node, _ op: QuantizedProduct, by node: Node) -> Node? {
    guard let quantize = node.op as? QuantizeLinear, quantize.isFromFloat, let output = node.outputs[0],
      let type = self[output].dtype, let scale = node.inputs[1], self[scale].dtype == .float,
      self[scale].shape?.count == .known(1), let result = op.quantized(to: type)
    else { return nil }
    let zero = node.inputs[at: 2] ?? nil
    if let zero, self[zero].shape?.count != .known(1) { return nil }
    let own = QuantizedProduct.Input.yScale.rawValue
    var inputs = producer.inputs + [ValueID?](repeating: nil, count: max(0, own - producer.inputs.count))
    guard inputs[QuantizedProduct.Input.residual.rawValue] == nil else { return nil }
    inputs = Array(inputs[..<own]) + [scale, zero]
    return Node(producer.name, result, inputs, node.outputs)
  }
}
