import MaasCore
import MaasGraph

/// Times layers by themselves, with the inputs that they have for the first sample. What would reach them as bytes in a
/// wholly quantized model reaches them as bytes here.
struct LayerTimer {
  private let assembly: Assembly
  private let flow: ByteFlow?
  private let grids: [ValueID: Grid]
  private let uses: [Int]
  private let inputs: [ValueID: Tensor]
  private let threads: Int

  init(_ assembly: Assembly, _ layers: [Layer], _ data: any CalibrationData, threads: Int) throws(MaasError) {
    (self.assembly, self.threads) = (assembly, threads)
    flow = assembly.ranges.isEmpty ? nil : ByteFlow(assembly.graph, layers: layers)
    grids = flow.map(assembly.grids) ?? [:]
    uses = assembly.graph.useCounts()
    var values: [ValueID] = []
    for layer in layers where !values.contains(layer.x) { values.append(layer.x) }
    var inputs: [ValueID: Tensor] = [:]
    try Observation(assembly.graph, values, threads: threads).run(data, limit: 1) { (sight) in
      for (value, tensor) in zip(values, sight.values) { inputs[value] = tensor }
    }
    self.inputs = inputs
  }

  /// Microseconds before and after; nil for a layer that cannot be run alone.
  func times(_ layer: Layer, _ weights: QuantizedWeights) throws(MaasError) -> Times? {
    guard let input = inputs[layer.x], layer.bias.map({ assembly.graph[$0].constant != nil }) ?? true else {
      return nil
    }
    let tail = tail(layer)
    return try race(
      Contestant(graph: try exact(layer, input, tail), inputs: [input]),
      try quantized(layer, weights, input, tail), threads: threads)
  }

  /// The activation that leaves only its result of a layer.
  private func tail(_ layer: Layer) -> Node? {
    guard let flow, uses[layer.y.index] == 1 else { return nil }
    return assembly.graph.nodes.first { node in
      guard node.inputs.first == layer.y, let output = node.outputs.first ?? nil else { return false }
      return ["Relu", "Clip"].contains(assembly.graph.forms[node.op]?.name ?? "")
        && flow.everywhere.contains(output)
    }
  }

  /// The graph with only a layer's input and output.
  private func alone(_ layer: Layer, _ input: Tensor, _ tail: Node?) -> Graph {
    var graph = assembly.graph
    graph.nodes = []
    graph.inputs = [layer.x]
    graph[layer.x].shape = Shape(input.shape)
    graph[layer.y].shape = nil
    graph.outputs = [layer.y]
    if let output = tail?.outputs.first ?? nil {
      graph[output].shape = nil
      graph.outputs = [output]
    }
    return graph
  }

  private func exact(_ layer: Layer, _ input: Tensor, _ tail: Node?) throws(MaasError) -> Graph {
    var rewriter = GraphRewriter(alone(layer, input, tail), opset: assembly.opset)
    rewriter.keep(layer.node)
    if let tail { rewriter.keep(tail) }
    return try rewriter.finished()
  }

  private func quantized(
    _ layer: Layer, _ weights: QuantizedWeights, _ input: Tensor, _ tail: Node?
  ) throws(MaasError) -> Contestant {
    let graph = alone(layer, input, tail)
    var writer = QuantizedWriter(graph, grids, opset: assembly.opset)
    var input = input
    if flow?.everywhere.contains(layer.x) ?? false, let grid = grids[layer.x] {
      input = try grid.bytes(input)
      try writer.readBytes(layer.x, input.shape)
    }
    try writer.write(layer, weights, reading: layer.x, output: layer.y)
    if let tail { writer.rewriter.keep(tail) }
    if let output = graph.outputs.first, flow?.everywhere.contains(output) ?? false {
      try writer.giveBytes(output)
    }
    return Contestant(graph: try writer.rewriter.finished(), inputs: [input])
  }
}

extension Grid {
  /// The codes of a float tensor.
  fileprivate func bytes(_ tensor: Tensor) throws(MaasError) -> Tensor {
    let codes = try Tensor(.uint8, tensor.shape)
    for i in 0..<tensor.count {
      codes.bytes.storeBytes(of: UInt8(code(tensor.floats[i])), toByteOffset: i, as: UInt8.self)
    }
    return codes
  }
}

// A layer between bytes.
extension QuantizedWriter {
  /// The graph's only input is the codes of `x`.
  fileprivate mutating func readBytes(_ x: ValueID, _ shape: [Int]) throws(MaasError) {
    let codes = rewriter.input(Value("codes", .uint8, Shape(shape)))
    _ = try asBytes(x, x, codes: codes)
  }

  /// The graph's only output is the codes of what it was.
  fileprivate mutating func giveBytes(_ output: ValueID) throws(MaasError) {
    if let grid = grids[output] { rewriter.setOutput(try codes(output, grid).codes) }
  }
}
