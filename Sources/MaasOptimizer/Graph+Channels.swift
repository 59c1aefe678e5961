import MaasCore
import MaasGraph
import MaasOps

/// A product or convolution with constant weights and nothing fused into it, and which dimensions have its channels.
struct LinearNode {
  let weights: Tensor
  /// Of the weights: what is made, and what is read; nil where groups share that dimension.
  let filterAxis: Int
  let inputAxis: Int?
  /// True where channels are the second dimension of values, else the last one.
  let isConvolution: Bool
  let bias: Tensor?

  var filters: Int { weights.shape[filterAxis] }

  func channelAxis(rank: Int) -> Int { isConvolution ? 1 : rank - 1 }
}

/// What happens to each channel: y = scale x + shift.
struct ChannelFactors {
  var scale: [Float]?
  var shift: [Float]?
}

extension Graph {
  /// `uses` says how often each value was read before the rule began: weights that others read as well would be there
  /// twice.
  func linear(_ node: Node, _ uses: [Int]) -> LinearNode? {
    if let id = node.inputs[at: 1] ?? nil, uses[at: id.index] ?? 1 > 1 { return nil }
    guard node.inputs.count <= 3, let weights = floatConstant(node.inputs[at: 1] ?? nil),
      weights.shape.count > 1, weights.count <= largestFolded, let axes = channelAxes(node, weights)
    else { return nil }
    var bias: Tensor?
    if let id = node.inputs[at: 2] ?? nil {
      bias = floatConstant(id, count: weights.shape[axes.filter])
      guard bias?.shape.last == bias?.count, bias != nil else { return nil }
    }
    return LinearNode(
      weights: weights, filterAxis: axes.filter, inputAxis: axes.input,
      isConvolution: weights.shape.count > 2,
      bias: bias)
  }

  private func channelAxes(_ node: Node, _ weights: Tensor) -> (filter: Int, input: Int?)? {
    if let conv = node.op as? Conv { return conv.isLinear ? (0, conv.groups == 1 ? 1 : nil) : nil }
    if node.op.name == "ConvTranspose", let output = node.outputs[0] {
      // With groups there are more filters than that.
      return self[output].shape?.dims[at: 1] == .known(weights.shape[1]) ? (1, 0) : nil
    }
    guard weights.shape.count == 2 else { return nil }
    if let product = node.op as? MatMul { return product.activation.isNone ? (1, 0) : nil }
    guard let gemm = node.op as? Gemm, let columns = gemm.columnAxis else { return nil }
    return (columns, gemm.transA ? nil : 1 - columns)
  }

  /// A number for each channel of a value, where a constant has no more, and does not grow what it is applied to.
  func channelConstant(_ id: ValueID?, count: Int, axis: Int, rank: Int) -> [Float]? {
    guard let tensor = floatConstant(id), tensor.shape.count <= rank else { return nil }
    if tensor.count == 1, let number = tensor.elements(as: Float.self).first {
      return [Float](repeating: number, count: count)
    }
    guard tensor.count == count, tensor.shape[at: axis - rank + tensor.shape.count] == count else {
      return nil
    }
    return tensor.elements(as: Float.self)
  }

  /// The node that does what `node` does, and then `factors` to its channels.
  mutating func folding(
    _ factors: ChannelFactors, into node: Node, _ linear: LinearNode, _ outputs: [ValueID?]
  ) throws(MaasError) -> Node {
    var inputs = node.inputs
    if let scale = factors.scale {
      inputs[1] = addConstant(
        "\(node.name)/weights", try linear.weights.scaled(scale, axis: linear.filterAxis))
    }
    guard linear.bias != nil || factors.shift != nil else { return Node(node.name, node.op, inputs, outputs) }
    var bias = linear.bias?.elements(as: Float.self) ?? [Float](repeating: 0, count: linear.filters)
    for i in bias.indices { bias[i] = bias[i] * (factors.scale?[i] ?? 1) + (factors.shift?[i] ?? 0) }
    let added = addConstant("\(node.name)/bias", try Tensor(.float, [bias.count], bias))
    return Node(node.name, node.op, Array(inputs.prefix(2)) + [added], outputs)
  }
}

/// Elements of weights of which a changed copy is worth its memory.
private let largestFolded = 1 << 24

extension Tensor {
  /// Floats times a number for each index of a dimension.
  func scaled(_ scale: [Float], axis: Int) throws(MaasError) -> Tensor {
    var elements = elements(as: Float.self)
    let inner = shape[(axis + 1)...].reduce(1, *)
    for i in elements.indices { elements[i] *= scale[i / inner % scale.count] }
    return try Tensor(.float, shape, elements)
  }
}
