import MaasCore
import MaasGraph
import MaasOps

/// Convolutions with constant weights, and what lies between them, work on images whose channels come last: kernels
/// read vectors of neighbouring channels then. Transposes stand where such a region begins and ends, and those that
/// the model has around it vanish.
let assignLayout = Rule(name: "AssignLayout", effect: .rounding, isInternal: true) {
  (graph: inout Graph) throws(MaasError) -> Int in
  var pass = LayoutPass(graph)
  try pass.run()
  if pass.count > 0 { graph = pass.graph }
  return pass.count
}

private struct LayoutPass {
  fileprivate(set) var graph: Graph
  /// Nodes that work on channels last now.
  private(set) var count = 0
  private var nodes: [Node] = []
  /// The value with its channels last, by the value's index.
  private var twins: [Int: ValueID] = [:]
  /// Values of which only the twin has been made so far.
  private var pending: Set<ValueID> = []
  private var replacements: [ValueID: ValueID] = [:]
  private let outputs: Set<ValueID>

  init(_ graph: Graph) {
    self.graph = graph
    outputs = Set(graph.outputs)
  }

  mutating func run() throws(MaasError) {
    for var node in graph.nodes {
      for (i, input) in node.inputs.enumerated() {
        if let input { node.inputs[i] = replacements[input] ?? input }
      }
      if try converted(node) { continue }
      for case .some(let input) in node.inputs { settle(input) }
      nodes.append(node)
    }
    for output in graph.outputs { settle(output) }
    graph.nodes = nodes
  }

  /// Makes a value that only its twin exists of.
  private mutating func settle(_ id: ValueID) {
    guard pending.remove(id) != nil, let twin = twins[id.index] else { return }
    let perm = ChannelsLast.toFirst(rank: rank(twin) ?? rank(id) ?? 0)
    nodes.append(Node("\(graph[id].name)/channels_first", Transpose(perm: perm), [twin], [id]))
  }

  private func rank(_ id: ValueID) -> Int? { graph[id].shape?.rank }

  private func hasTwin(_ node: Node, _ i: Int) -> Bool {
    node.inputs[at: i].flatMap { $0.flatMap { twins[$0.index] } } != nil
  }

  /// The value with its channels last, transposed now if need be.
  private mutating func twin(_ id: ValueID, rank: Int) -> ValueID {
    if let known = twins[id.index] { return known }
    let twin = makeTwin(id)
    nodes.append(
      Node(graph[twin].name, Transpose(perm: ChannelsLast.toLast(rank: rank)), [id], [twin]))
    return twin
  }

  private mutating func makeTwin(_ id: ValueID) -> ValueID {
    let value = graph[id]
    let twin = graph.add(
      Value(
        "\(value.name)/channels_last", value.dtype, value.shape.map { Shape(ChannelsLast.last($0.dims)) }))
    twins[id.index] = twin
    return twin
  }

  /// Puts a node that makes the twins of the node's outputs in its place.
  private mutating func emit(_ node: Node, _ op: any Operator, _ inputs: [ValueID?]) {
    let outputs = node.outputs.map { $0.map { makeTwin($0) } }
    nodes.append(Node(node.name, op, inputs, outputs))
    for case .some(let output) in node.outputs { pending.insert(output) }
    count += 1
  }

  private mutating func converted(_ node: Node) throws(MaasError) -> Bool {
    if let split = node.op as? Split, hasTwin(node, 0) { return converted(split, node) }
    guard node.outputs.count == 1, let output = node.outputs[0], let rank = rank(output), (3...5) ~= rank,
      let type = graph[output].dtype, [.float, .uint8, .int8, .int32].contains(type)
    else { return false }
    if let transpose = node.op as? Transpose { return absorbed(transpose, node, output, rank) }
    if node.op is Conv || node.op.name == "ConvTranspose" { return convolved(node, rank) }
    if let op = node.op.channelsLast as? ChannelsLast, op.begins || op.images.count > 1 {
      return converted(op, node, rank)
    }
    guard node.inputs.indices.contains(where: { hasTwin(node, $0) }) else { return false }
    if let concat = node.op as? Concat { return converted(concat, node, rank) }
    if let binary = node.op as? Binary { return try converted(binary, node, rank) }
    guard hasTwin(node, 0), let op = follower(node) else { return false }
    emit(node, op, [node.inputs[0].flatMap { twins[$0.index] }] + node.inputs.dropFirst())
    return true
  }

  /// A transpose of the model that goes where the channels are anyway, or comes from there.
  private mutating func absorbed(
    _ transpose: Transpose, _ node: Node, _ output: ValueID, _ rank: Int
  ) -> Bool {
    guard let input = node.inputs[0], !outputs.contains(output) else { return false }
    if transpose.perm == ChannelsLast.toLast(rank: rank), let twin = twins[input.index] {
      replacements[output] = twin
      return true
    }
    guard transpose.perm == ChannelsLast.toFirst(rank: rank), !pending.contains(input) else { return false }
    twins[output.index] = input
    pending.insert(output)
    return true
  }

  private mutating func convolved(_ node: Node, _ rank: Int) -> Bool {
    guard let x = node.inputs[0], let weights = graph.floatConstant(node.inputs[at: 1] ?? nil),
      weights.shape.count == rank, graph[x].dtype == .float,
      isWorthwhile(node.op, weights.shape, isInside: hasTwin(node, 0)), let op = node.op.channelsLast
    else { return false }
    var inputs = node.inputs
    inputs[0] = twin(x, rank: rank)
    if let residual = inputs[at: 3] ?? nil { inputs[3] = twin(residual, rank: rank) }
    emit(node, op, inputs)
    return true
  }

  private func place(of axis: Int, _ rank: Int) -> Int? {
    ChannelsLast.toLast(rank: rank).firstIndex(of: axis < 0 ? axis + rank : axis)
  }

  private mutating func converted(_ split: Split, _ node: Node) -> Bool {
    guard let x = node.inputs[0], let rank = rank(x), let place = place(of: split.axis, rank),
      let twin = twins[x.index], isKnown(node)
    else { return false }
    emit(node, split.along(place), [twin] + node.inputs.dropFirst())
    return true
  }

  /// Whether all inputs but the first are constant.
  private func isKnown(_ node: Node) -> Bool {
    node.inputs.dropFirst().allSatisfy { $0.map { graph[$0].constant != nil } ?? true }
  }

  /// An operator that begins a region, or reads several images.
  private mutating func converted(_ op: ChannelsLast, _ node: Node, _ rank: Int) -> Bool {
    guard op.begins || op.images.contains(where: { hasTwin(node, $0) }) else { return false }
    var inputs = node.inputs
    for i in op.images {
      guard let image = node.inputs[at: i] ?? nil, self.rank(image) == rank else { return false }
    }
    for i in op.images { inputs[i] = inputs[i].map { twin($0, rank: rank) } }
    emit(node, op, inputs)
    return true
  }

  private mutating func converted(_ concat: Concat, _ node: Node, _ rank: Int) -> Bool {
    guard let place = place(of: concat.axis, rank) else { return false }
    let inputs = node.inputs.map { $0.map { twin($0, rank: rank) } }
    emit(node, Concat(axis: place), inputs)
    return true
  }

  private mutating func converted(_ binary: Binary, _ node: Node, _ rank: Int) throws(MaasError) -> Bool {
    guard binary.alignsNumPys else { return false }
    var inputs: [ValueID?] = []
    for case .some(let input) in node.inputs {
      guard let operand = try operand(input, rank) else { return false }
      inputs.append(operand)
    }
    emit(node, binary, inputs)
    return true
  }

  /// What stands for an operand of an element-wise operator; nil for one that broadcasts in a way of its own.
  private mutating func operand(_ id: ValueID, _ rank: Int) throws(MaasError) -> ValueID? {
    guard let shape = graph[id].shape else { return nil }
    if let twin = twins[id.index] { return shape.rank == rank ? twin : nil }
    if shape.rank < 2, shape.dims.allSatisfy({ $0 == .known(1) }) { return id }
    if let constant = graph.floatConstant(id) { return try channelVector(id, constant, rank) }
    return shape.rank == rank ? twin(id, rank: rank) : nil
  }

  /// A constant such as [C, 1, 1] as the vector [C].
  private mutating func channelVector(
    _ id: ValueID, _ constant: Tensor, _ rank: Int
  ) throws(MaasError) -> ValueID? {
    let shape = [Int](repeating: 1, count: max(0, rank - constant.shape.count)) + constant.shape
    guard shape.count == rank, shape[1] == constant.count else { return nil }
    return graph.addConstant(
      "\(graph[id].name)/channels_last", try constant.reshaped([constant.count]))
  }

  /// The operator for channels last of those with one image, or the same one where elements do not see each other.
  private func follower(_ node: Node) -> (any Operator)? {
    if let unary = node.op as? Unary { return unary }
    if let clip = node.op as? Clip { return clip }
    if node.op is Cast || isScaling(node) { return node.op }
    return isKnown(node) ? node.op.channelsLast : nil
  }
}

extension LayoutPass {
  /// An element-wise node that reads or makes integers, all of which have the same scale.
  fileprivate func isScaling(_ node: Node) -> Bool {
    guard ["QuantizeLinear", "DequantizeLinear", "QLinearSigmoid", "QLinearLeakyRelu"].contains(node.op.name)
    else { return false }
    return node.inputs.dropFirst().allSatisfy { $0.map { graph[$0].shape?.count == .known(1) } ?? true }
  }
}

/// Whether the kernel has enough to do: vectors hold filters of a group, or all channels where each is a group. A
/// region begins only where its first transpose is small beside the work.
private func isWorthwhile(_ op: any Operator, _ weights: [Int], isInside: Bool) -> Bool {
  guard let conv = op as? Conv else { return isInside || weights[1] >= 8 }
  let (groups, filters) = (conv.groups, weights[0])
  if groups > 1, weights[1] == 1, filters == groups { return isInside && groups >= 8 }
  return filters / groups >= 8 || (isInside && groups == 1)
}
