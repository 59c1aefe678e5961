import MaasCore
import MaasGraph

/// Turns a graph and concrete input shapes into a plan, node by node: infer, fold what is constant, lower the rest.
///
/// Planning stops where a shape or a branch depends on data that only a run brings; the plan then says what to read,
/// and another builder goes on from there.
struct PlanBuilder {
  var state: PlanState
  var nodes: [DraftNode] = []

  /// What one node does in this plan.
  struct DraftNode {
    let label: StepLabel
    let steps: [StepTemplate]
    /// The buffers it is there to fill.
    let outputs: [Int]
    /// Pairs of buffers of which the first may be written over the second.
    var reusable: [(output: Int, input: Int)] = []
  }

  init(_ graph: Graph, inputs: [DatumType], wantedOutputs: [Bool], context: PlanContext) throws(MaasError) {
    let frame = PlanState.Frame(graph, owner: nil, wanted: wantedOutputs)
    state = PlanState(context: context, wantedOutputs: wantedOutputs, frames: [frame])
    state.slotCount = inputs.count
    for (i, (id, type)) in zip(graph.inputs, inputs).enumerated() {
      let declared = graph[id]
      guard case .tensor(let dtype, let shape) = type else {
        let fact = declared.dtype.map { Fact($0, nil, container: declared.container) }
        state.frames[0].values[id.index] = state.makeValue(declared.name, fact, slot: i)
        continue
      }
      let buffer = state.makeBuffer(.placed(.input(i)), try byteCount(shape, dtype, tensor: declared.name))
      state.frames[0].values[id.index] = state.makeValue(declared.name, dtype, shape, buffer: buffer)
    }
  }

  init(continuing state: PlanState) {
    self.state = state
    self.state.level += 1
  }

  /// From here on the value's contents are known.
  mutating func learn(_ value: Int, _ contents: Tensor) {
    state.values[value].constant = contents
    state.values[value].buffer = nil
  }

  mutating func build() throws(MaasError) -> Plan {
    try refuseEndlessReading()
    while true {
      // A copy of the frame would make every change of its values copy them all.
      let top = state.frames.count - 1
      let next = state.frames[top].next
      guard next < state.frames[top].graph.nodes.count else {
        if top == 0 { break }
        popFrame()
        continue
      }
      let node = state.frames[top].graph.nodes[next]
      let outcome: Outcome
      do {
        outcome = try plan(node)
      } catch {
        throw error.inNode(node.name, node.op.name)
      }
      switch outcome {
      case .planned: continue
      case .reads(let values): return try finish(reading: values)
      case .call(let call): return try finish(calling: call)
      }
    }
    return try finish()
  }

  /// How far planning a node came.
  private enum Outcome {
    case planned
    /// These values' contents must be read first.
    case reads([Int])
    case call(DraftCall)
  }

  /// A host operator that the plan ends with.
  struct DraftCall {
    let node: Node
    let op: any HostOperator
    let inputs: [Int?]
    let facts: [Fact?]
    let results: [Int?]
  }

  /// Every plan that continues another keeps a state of its own.
  private func refuseEndlessReading() throws(MaasError) {
    guard state.level > Self.mostLevels || state.level * state.values.count > Self.mostKeptValues else {
      return
    }
    throw MaasError(
      .limitExceeded, "shapes and branches depend on data too often in one run",
      expected: "at most \(Self.mostLevels) times")
  }
  private static let mostLevels = 1024
  private static let mostKeptValues = 1 << 22

  /// Plans one node.
  private mutating func plan(_ node: Node) throws(MaasError) -> Outcome {
    var inputs: [Int?] = []
    for id in node.inputs {
      guard let id else {
        inputs.append(nil)
        continue
      }
      inputs.append(try state.value(id))
    }
    if node.op.selectsBody { return try enterBody(node, inputs) }
    if node.op.forwards, let input = inputs.first ?? nil, state.values[input].container != nil {
      return forward(node, input)
    }
    let outcome = try planOperator(node, inputs)
    if case .planned = outcome { state.frames[state.frames.count - 1].next += 1 }
    return outcome
  }

  /// Output 0 is the input, which is no tensor.
  private mutating func forward(_ node: Node, _ input: Int) -> Outcome {
    let top = state.frames.count - 1
    if let output = node.outputs.first ?? nil { state.frames[top].values[output.index] = input }
    state.frames[top].next += 1
    return .planned
  }

  private mutating func planOperator(_ node: Node, _ inputs: [Int?]) throws(MaasError) -> Outcome {
    if try foldConstants(node, inputs) { return .planned }
    var inference = Inference(
      inputs: inputs.map { $0.map { state.fact($0) } }, outputNames: state.outputNames(node),
      makeSymbol: { _ in .symbol("?") })
    try node.op.infer(&inference)
    if let host = node.op.host(inputs.map { $0.map { state.values[$0].dtype } }, inference.outputs) {
      return .call(draftCall(node, host, inputs, inference.outputs))
    }
    let needed = try valuesToRead(inference, inputs)
    if !needed.isEmpty { return .reads(needed) }
    if try foldDims(node, inference.outputs) { return .planned }
    try lower(node, inputs, inference.outputs)
    return .planned
  }

  private mutating func draftCall(
    _ node: Node, _ op: any HostOperator, _ inputs: [Int?], _ facts: [Fact?]
  ) -> DraftCall {
    var results: [Int?] = []
    for output in node.outputs {
      results.append(output == nil ? nil : state.slotCount)
      if output != nil { state.slotCount += 1 }
    }
    return DraftCall(node: node, op: op, inputs: inputs, facts: facts, results: results)
  }

  /// Takes the results of a host operator for the node's outputs, before the rest is planned.
  mutating func adopt(_ types: [DatumType?], of site: HostSite) throws(MaasError) {
    let top = state.frames.count - 1
    for (i, (id, type)) in zip(site.node.outputs, types).enumerated() {
      guard let id, let type, let slot = site.results[at: i] ?? nil else { continue }
      let name = state.frames[top].graph[id].name
      // Inference knows the element types inside containers that may be empty.
      let fact = site.facts[at: i] ?? nil
      state.frames[top].values[id.index] = try state.makeValue(name, type, fact, slot: slot)
    }
    state.frames[top].next += 1
  }

  /// The values whose contents the node needs before it can be planned.
  private func valuesToRead(_ inference: Inference, _ inputs: [Int?]) throws(MaasError) -> [Int] {
    let needed = inference.neededContents.compactMap { inputs[at: $0] ?? nil }
    if let known = needed.first(where: { state.values[$0].constant != nil }) {
      throw MaasError(
        .typeMismatch, "the contents of an input are no integers", tensor: state.values[known].name,
        found: state.values[known].dtype.name)
    }
    let isConcrete = inference.outputs.allSatisfy { $0.map { $0.shape?.concrete != nil } ?? true }
    guard isConcrete || !needed.isEmpty else {
      throw MaasError(.unsupported, "the shape of an output depends on data in a way that is not supported")
    }
    return needed
  }

  /// Evaluates a node whose inputs are all known.
  private mutating func foldConstants(_ node: Node, _ inputs: [Int?]) throws(MaasError) -> Bool {
    var tensors: [Tensor?] = []
    for input in inputs {
      let constant = input.flatMap { state.values[$0].constant }
      if input != nil, constant == nil { return false }
      tensors.append(constant)
    }
    let wanted = node.outputs.map { $0 != nil }
    guard let outputs = try evaluate(node.op, tensors, outputs: wanted, byteLimit: state.foldable) else {
      return false
    }
    state.foldable -= outputs.reduce(0) { $0 + ($1?.byteCount ?? 0) }
    for (id, tensor) in zip(node.outputs, outputs) {
      if let id, let tensor { define(id, tensor) }
    }
    return true
  }

  /// Takes outputs whose elements inference has followed to numbers, such as those of Shape.
  private mutating func foldDims(_ node: Node, _ facts: [Fact?]) throws(MaasError) -> Bool {
    var tensors: [Tensor?] = []
    for (id, fact) in zip(node.outputs, facts) {
      guard id != nil, let fact else {
        tensors.append(nil)
        continue
      }
      guard let tensor = try fact.followedTensor() else { return false }
      tensors.append(tensor)
    }
    for (id, tensor) in zip(node.outputs, tensors) {
      if let id, let tensor { define(id, tensor) }
    }
    return true
  }

  private mutating func define(_ id: ValueID, _ tensor: Tensor) {
    let top = state.frames.count - 1
    let name = state.frames[top].graph[id].name
    state.frames[top].values[id.index] = state.makeValue(name, tensor.dtype, tensor.shape, constant: tensor)
  }

  private mutating func lower(_ node: Node, _ inputs: [Int?], _ facts: [Fact?]) throws(MaasError) {
    var operands: [Operand?] = []
    for input in inputs {
      guard let input else {
        operands.append(nil)
        continue
      }
      operands.append(try state.operand(input))
    }
    let outputs = try makeOutputs(node, facts)
    var lowering = Lowering(
      inputs: operands, outputs: outputs.map { $0?.operand },
      wanted: state.frames[state.frames.count - 1].wanted(node), nextBuffer: state.buffers.count,
      weightBytes: state.context.weights.constantBytes)
    try node.op.lower(&lowering)
    try adopt(lowering, node, inputs, outputs.map { $0?.value })
  }

  private mutating func makeOutputs(
    _ node: Node, _ facts: [Fact?]
  ) throws(MaasError) -> [(value: Int, operand: Operand)?] {
    var outputs: [(value: Int, operand: Operand)?] = []
    let top = state.frames.count - 1
    for (id, fact) in zip(node.outputs, facts) {
      guard let id, let fact, let shape = fact.shape?.concrete else {
        outputs.append(nil)
        continue
      }
      let name = state.frames[top].graph[id].name
      let buffer = state.makeBuffer(.planned, try state.checkedByteCount(shape, fact.dtype, name))
      let value = state.makeValue(name, fact.dtype, shape, buffer: buffer)
      state.frames[top].values[id.index] = value
      outputs.append((value, try state.operand(value)))
    }
    return outputs
  }

  /// Takes over what a node's lowering asked for.
  private mutating func adopt(
    _ lowering: Lowering, _ node: Node, _ inputs: [Int?], _ outputs: [Int?]
  ) throws(MaasError) {
    for request in lowering.buffers {
      switch request {
      case .temporary(let bytes): _ = state.makeBuffer(.planned, bytes)
      case .constant(let tensor): _ = state.makeBuffer(.constant(tensor), tensor.byteCount)
      case .pack(let pack):
        try refuse(pack)
        let storage = try state.context.weights.packed(pack, threads: state.context.threads)
        _ = state.makeBuffer(.fixed(storage), storage.byteCount)
      }
    }
    for alias in lowering.aliases {
      guard let output = outputs[at: alias.output] ?? nil, let input = inputs[at: alias.input] ?? nil else {
        continue
      }
      state.values[output].buffer = state.buffer(input)
    }
    guard !lowering.steps.isEmpty else { return }
    let label = StepLabel(node: node.name, operatorName: node.op.name, shapes: lowering.shapesText)
    var draft = DraftNode(
      label: label, steps: lowering.steps,
      outputs: outputs.compactMap { $0.flatMap { state.values[$0].buffer } })
    for pair in lowering.reusable {
      guard let output = lowering.outputs[at: pair.output] ?? nil,
        let input = lowering.inputs[at: pair.input] ?? nil
      else { continue }
      draft.reusable.append((output.buffer.index, input.buffer.index))
    }
    nodes.append(draft)
  }

  /// Packing may pad a narrow matrix to many times its size.
  private func refuse(_ pack: PackRequest) throws(MaasError) {
    let limit = state.context.memoryLimit + 2 * pack.source.byteCount
    guard pack.byteCount > limit else { return }
    throw MaasError(
      .limitExceeded, "packing a weight takes more than the memory limit", expected: "at most \(limit) bytes",
      found: "\(pack.byteCount)")
  }
}

// Bodies of If.
extension PlanBuilder {
  private mutating func enterBody(_ node: Node, _ inputs: [Int?]) throws(MaasError) -> Outcome {
    guard let condition = inputs[at: 0] ?? nil else { throw MaasError(.invalidModel, "input 0 is missing") }
    guard let tensor = state.values[condition].constant else { return .reads([condition]) }
    guard let flag = tensor.integers?.first, tensor.count == 1 else {
      throw MaasError(
        .shapeMismatch, "the condition must be one bool",
        found: "\(tensor.dtype.name) \(describe(tensor.shape))")
    }
    let bodies = node.op.bodies
    guard bodies.count == 2 else { throw MaasError(.invalidModel, "a branch is missing") }
    let body = bodies[flag != 0 ? 0 : 1]
    let first = flag != 0 ? 1 : 1 + bodies[0].captureCount
    var frame = PlanState.Frame(body, owner: node)
    for (i, id) in body.inputs.enumerated() { frame.values[id.index] = inputs[at: first + i] ?? nil }
    state.frames.append(frame)
    return .planned
  }

  /// Gives a finished body's outputs to the node that owns it.
  private mutating func popFrame() {
    guard let body = state.frames.popLast(), let owner = body.owner else { return }
    let top = state.frames.count - 1
    for (id, output) in zip(owner.outputs, body.graph.outputs) {
      guard let id else { continue }
      if let made = body.values[output.index] {
        state.frames[top].values[id.index] = made
      } else if let constant = body.graph[output].constant {
        define(id, constant)
      }
    }
    state.frames[top].next += 1
  }
}

extension PlanState {
  /// The bytes of a tensor, refused when one alone is more than the run may use.
  func checkedByteCount(_ shape: [Int], _ dtype: DType, _ tensor: String) throws(MaasError) -> Int {
    let bytes = try byteCount(shape, dtype, tensor: tensor)
    if bytes <= context.memoryLimit { return bytes }
    throw MaasError(
      .limitExceeded, "the tensor is larger than the memory limit", tensor: tensor,
      expected: "at most \(context.memoryLimit) bytes", found: "\(bytes) for \(describe(shape))")
  }

  func fact(_ value: Int) -> Fact {
    let known = values[value]
    if let constant = known.constant { return Fact(constant: constant) }
    if let container = known.container {
      return container.fact ?? Fact(known.dtype, nil, container: .sequence(of: nil))
    }
    return Fact(known.dtype, Shape(known.shape))
  }

  func outputNames(_ node: Node) -> [String?] {
    guard let graph = frames.last?.graph else { return [] }
    return node.outputs.map { $0.map { graph[$0].name } }
  }
}

extension Fact {
  /// The tensor of elements that inference followed, when all are numbers.
  func followedTensor() throws(MaasError) -> Tensor? {
    guard let dims, let shape = shape?.concrete, let numbers = Shape(dims).concrete else { return nil }
    switch dtype {
    case .int64: return try Tensor(dtype, shape, numbers.map { Int64($0) })
    case .int32:
      let narrow = numbers.compactMap { Int32(exactly: $0) }
      return narrow.count == numbers.count ? try Tensor(dtype, shape, narrow) : nil
    default: return nil
    }
  }
}
