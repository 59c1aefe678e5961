import MaasCore
import MaasGraph

/// Puts quantized layers into a graph, with what they share: a value becomes bytes once, and weights stand there once.
struct QuantizedWriter {
  var rewriter: GraphRewriter
  /// How values become bytes, where calibration told.
  let grids: [ValueID: Grid]
  private var dynamicInputs: [ValueID: DynamicInput] = [:]
  private var dequantized: [ValueID: ValueID] = [:]
  private var constants: [WeightKey: WeightValues] = [:]

  private struct WeightKey: Hashable {
    let id: ValueID
    let columnAxis, bits: Int

    init(_ layer: Layer, bits: Int) { (id, columnAxis, self.bits) = (layer.weightID, layer.columnAxis, bits) }
  }

  private struct DynamicInput {
    let codes, scale, zero: ValueID
  }

  /// Codes, scales and zero points of weights.
  private struct WeightValues {
    let codes, scales: ValueID
    var zeros: ValueID?
  }

  init(_ graph: Graph, _ grids: [ValueID: Grid], opset: Int) {
    rewriter = GraphRewriter(graph, opset: opset)
    self.grids = grids
  }

  /// Puts the layer down. What it makes is `output`, or a new value; it reads `x`.
  @discardableResult
  mutating func write(
    _ layer: Layer, _ weights: QuantizedWeights, reading x: ValueID, output: ValueID? = nil
  ) throws(MaasError) -> ValueID {
    switch weights {
    case .blocks(let blocks): try write(layer, blocks, x, output)
    case .channels(let channels) where grids[layer.x] == nil: try writeDynamic(layer, channels, x, output)
    case .channels(let channels): try writeStatic(layer, channels, x, output)
    }
  }
}

// Blocks.
extension QuantizedWriter {
  private mutating func write(
    _ layer: Layer, _ weights: BlockWeights, _ x: ValueID, _ output: ValueID?
  ) throws(MaasError) -> ValueID {
    let key = WeightKey(layer, bits: weights.shape.bits)
    let values = constants[key] ?? constants(layer, weights)
    constants[key] = values
    var inputs: [ValueID?] = [x, values.codes, values.scales]
    let bias = try rowBias(layer)
    if values.zeros != nil || bias != nil { inputs.append(values.zeros) }
    if bias != nil { inputs += [nil, bias] }
    let attributes = [
      Attribute("K", .int(weights.shape.rows)), Attribute("N", .int(weights.shape.columns)),
      Attribute("bits", .int(weights.shape.bits)), Attribute("block_size", .int(weights.shape.block)),
    ]
    let isWhole = layer.bias == nil || bias != nil
    let y = try rewriter.add(
      "MatMulNBits", inputs, layer.name, domain: "com.microsoft", attributes, output: isWhole ? output : nil)
    return isWhole ? y : try rewriter.add("Add", [y, layer.bias], "\(layer.name)/bias", output: output)
  }

  private mutating func constants(_ layer: Layer, _ weights: BlockWeights) -> WeightValues {
    let name = rewriter.graph[layer.weightID].name
    return WeightValues(
      codes: rewriter.constant("\(name)_q\(weights.shape.bits)", weights.codes),
      scales: rewriter.constant("\(name)_scales", weights.scales),
      zeros: weights.zeros.map { rewriter.constant("\(name)_zero_points", $0) })
  }

  /// The bias as a row with a number for each column, where it is one.
  private mutating func rowBias(_ layer: Layer) throws(MaasError) -> ValueID? {
    guard let id = layer.bias, let bias = rewriter.graph[id].constant, bias.count == layer.columns,
      bias.shape.last == bias.count
    else { return nil }
    if bias.shape.count == 1 { return id }
    return rewriter.constant("\(layer.name)/bias", try bias.reshaped([bias.count]))
  }
}

// Bytes by each run's own range.
extension QuantizedWriter {
  private mutating func writeDynamic(
    _ layer: Layer, _ weights: ChannelWeights, _ x: ValueID, _ output: ValueID?
  ) throws(MaasError) -> ValueID {
    let input = try dynamicInput(x)
    let values = try byteConstants(layer, weights, columnAxis: 1)
    let name = layer.name
    let sums = try rewriter.add(
      "MatMulInteger", [input.codes, values.codes, input.zero, values.zeros], "\(name)/integers")
    let floats = try rewriter.add("Cast", [sums], "\(name)/floats", [Attribute("to", .int(1))])
    let scale = try rewriter.add("Mul", [input.scale, values.scales], "\(name)/scale")
    let y = try rewriter.add("Mul", [floats, scale], name, output: layer.bias == nil ? output : nil)
    guard let bias = layer.bias else { return y }
    return try rewriter.add("Add", [y, bias], "\(name)/bias", output: output)
  }

  private mutating func dynamicInput(_ x: ValueID) throws(MaasError) -> DynamicInput {
    if let known = dynamicInputs[x] { return known }
    let name = rewriter.graph[x].name
    let made = DynamicInput(
      codes: rewriter.value("\(name)_q"), scale: rewriter.value("\(name)_scale"),
      zero: rewriter.value("\(name)_zero_point"))
    try rewriter.add(
      "DynamicQuantizeLinear", [x], "\(name)/quantize", outputs: [made.codes, made.scale, made.zero])
    dynamicInputs[x] = made
    return made
  }

  private mutating func byteConstants(
    _ layer: Layer, _ weights: ChannelWeights, columnAxis: Int
  ) throws(MaasError) -> WeightValues {
    let key = WeightKey(layer, bits: 8)
    if let known = constants[key] { return known }
    let name = rewriter.graph[layer.weightID].name
    let codes = columnAxis == 0 ? try weights.codes.reshaped(layer.weights.shape) : try weights.transposed()
    let values = WeightValues(
      codes: rewriter.constant("\(name)_q8", codes),
      scales: rewriter.constant("\(name)_scales", weights.scales),
      zeros: weights.zeros.map { rewriter.constant("\(name)_zero_points", $0) })
    constants[key] = values
    return values
  }
}

// Bytes by the ranges of calibration.
extension QuantizedWriter {
  /// The layer between nodes that read bytes as floats: runtimes take them together.
  private mutating func writeStatic(
    _ layer: Layer, _ weights: ChannelWeights, _ x: ValueID, _ output: ValueID?
  ) throws(MaasError) -> ValueID {
    let values = try byteConstants(layer, weights, columnAxis: layer.columnAxis)
    let zeros = try zeros("\(layer.name)/zero_points", .int8, [layer.columns])
    let filters = try rewriter.add(
      "DequantizeLinear", [values.codes, values.scales, zeros], "\(layer.name)/weights",
      [Attribute("axis", .int(layer.columnAxis))])
    var inputs: [ValueID?] = [try asBytes(x, layer.x), filters]
    guard layer.type != "MatMul" else {
      // Where a bias was folded into the product, a file has it behind it.
      let sums = try rewriter.add("MatMul", inputs, layer.name, output: layer.bias == nil ? output : nil)
      return try layer.bias.map { (bias) throws(MaasError) in
        try rewriter.add("Add", [sums, bias], "\(layer.name)/bias", output: output)
      } ?? sums
    }
    if let bias = layer.bias { inputs.append(try byteBias(layer, bias, weights) ?? bias) }
    let y = output ?? rewriter.value(layer.name)
    rewriter.keep(Node(layer.name, layer.node.op, inputs, [y]))
    return y
  }

  private mutating func zeros(_ name: String, _ dtype: DType, _ shape: [Int]) throws(MaasError) -> ValueID {
    let count = shape.reduce(1, *)
    return rewriter.constant(
      name,
      dtype == .int8
        ? try Tensor(dtype, shape, [Int8](repeating: 0, count: count))
        : try Tensor(dtype, shape, [Int32](repeating: 0, count: count)))
  }

  /// The bias in the steps of the products; nil where those are too small for it.
  private mutating func byteBias(
    _ layer: Layer, _ id: ValueID, _ weights: ChannelWeights
  ) throws(MaasError) -> ValueID? {
    guard let bias = rewriter.graph[id].constant, bias.dtype == .float, bias.count == layer.columns,
      bias.shape.count == 1, let step = grids[layer.x]?.scale
    else { return nil }
    var codes: [Int32] = []
    var scales: [Float] = []
    for (i, value) in bias.elements(as: Float.self).enumerated() {
      let scale = weights.scales.floats[i] * step
      guard let code = Int32(exactly: (value / scale).rounded(.toNearestOrEven)) else { return nil }
      scales.append(scale)
      codes.append(code)
    }
    let name = rewriter.graph[id].name
    let shape = [layer.columns]
    return try rewriter.add(
      "DequantizeLinear",
      [
        rewriter.constant("\(name)_q32", try Tensor(.int32, shape, codes)),
        rewriter.constant("\(name)_q32_scales", try Tensor(.float, shape, scales)),
        try zeros("\(name)_q32_zero_points", .int32, shape),
      ], "\(layer.name)/bias", [Attribute("axis", .int(0))])
  }

  /// The value after it was bytes, by the grid of `key`; `codes` are there already or are made.
  mutating func asBytes(_ x: ValueID, _ key: ValueID, codes known: ValueID? = nil) throws(MaasError)
    -> ValueID
  {
    if let known = dequantized[x] { return known }
    guard let grid = grids[key] else { return x }
    let made = try codes(x, grid, known)
    let floats = try rewriter.add(
      "DequantizeLinear", [made.codes, made.scale, made.zero], "\(rewriter.graph[x].name)/dequantize")
    dequantized[x] = floats
    return floats
  }

  mutating func codes(_ x: ValueID, _ grid: Grid, _ known: ValueID? = nil) throws(MaasError) -> (
    codes: ValueID, scale: ValueID, zero: ValueID
  ) {
    let name = rewriter.graph[x].name
    let scale = rewriter.constant("\(name)_scale", try Tensor(.float, [], [grid.scale]))
    let zero = rewriter.constant("\(name)_zero_point", try Tensor(.uint8, [], [UInt8(grid.zero)]))
    let codes =
      if let known { known } else {
        try rewriter.add("QuantizeLinear", [x, scale, zero], "\(name)/quantize")
      }
    return (codes, scale, zero)
  }
}
