import CMaasSystem
import MaasCore
import MaasGraph

// How a draft becomes a plan: outputs get their places, dead nodes go, memory is laid out, steps get locations.

extension PlanBuilder {
  /// Ends the plan at the end of the graph.
  mutating func finish() throws(MaasError) -> Plan {
    let outputs = try placeOutputs()
    return try finish(keeping: [], outputs) { (_, _) throws(MaasError) in .finished }
  }

  /// Ends the plan before a node that must know the contents of `needed`.
  mutating func finish(reading needed: [Int]) throws(MaasError) -> Plan {
    let kept = buffers(state.valuesStillNeeded(besidesNext: false).union(needed))
    return try finish(keeping: kept, []) { (builder, located) throws(MaasError) in
      let reads = try needed.map { (value) throws(MaasError) in try builder.contentRead(value, located) }
      return .reads(reads, rest: builder.state)
    }
  }

  /// Ends the plan with a host operator.
  mutating func finish(calling call: DraftCall) throws(MaasError) -> Plan {
    let values = call.inputs.compactMap { $0 }
    let needed = state.valuesStillNeeded(besidesNext: true)
    return try finish(keeping: buffers(needed.union(values)), []) { (builder, located) in
      let inputs = call.inputs.map { input in
        input.map { value in
          let isLast = !needed.contains(value) && values.filter { $0 == value }.count == 1
          return builder.source(value, located, isLast: isLast)
        }
      }
      let wanted = builder.state.frames[builder.state.frames.count - 1].wanted(call.node)
      let site = HostSite(
        node: call.node, op: call.op, inputs: inputs, facts: call.facts, wanted: wanted, results: call.results
      )
      return .call(site, rest: builder.state)
    }
  }

  private func buffers(_ values: Set<Int>) -> Set<Int> { Set(values.compactMap { state.values[$0].buffer }) }

  private mutating func finish(
    keeping keep: Set<Int>, _ outputs: [PlanOutput?],
    _ end: (PlanBuilder, Located) throws(MaasError) -> PlanEnd
  ) throws(MaasError) -> Plan {
    dropDeadNodes(keeping: keep)
    var liveness = Liveness(self, keeping: keep)
    liveness.mergeInPlace(self)
    let arena = try layOut(liveness)
    let located = try locate(&liveness, arena)
    for buffer in keep { state.buffers[buffer].place = .placed(located.locations[buffer] ?? .omitted) }
    state.chainBytes += arena.byteCount
    let plan = Plan(
      steps: located.steps, labels: nodes.map { $0.label }, level: state.level, arena: arena,
      retained: located.retained, outputs: outputs, end: try end(self, located), slotCount: state.slotCount,
      family: state.family)
    #if !hasFeature(Embedded)
      if plan.isLast, plan.level == 0 { plan.overwriting = Overwriting(self, &liveness) }
    #endif
    state.family.add(level: state.level, arenaBytes: arena.byteCount, chainBytes: state.chainBytes)
    return plan
  }

  private func source(_ value: Int, _ located: Located, isLast: Bool) -> HostSource {
    let known = state.values[value]
    if let constant = known.constant { return .constant(constant) }
    if let container = known.container { return .slot(container.slot, isLast: isLast) }
    let location = known.buffer.flatMap { located.locations[$0] } ?? .omitted
    return .tensor(location, known.dtype, known.shape)
  }

  /// Places for all buffers, when they and the threads' scratch are within the memory limit.
  private func layOut(_ liveness: Liveness) throws(MaasError) -> ArenaLayout {
    let limit = state.context.memoryLimit
    let scratch = nodes.reduce(0) { $1.steps.reduce($0) { max($0, $1.scratch) } }
    if scratch <= limit / state.context.threads,
      let arena = ArenaLayout(liveness.blocks, limit: limit - scratch * state.context.threads)
    {
      return arena
    }
    throw MaasError(
      .limitExceeded, "the run needs more memory than it is allowed", expected: "at most \(limit) bytes",
      hint: "raise the memory limit or use smaller inputs")
  }

  private func contentRead(_ value: Int, _ located: Located) throws(MaasError) -> ContentRead {
    let known = state.values[value]
    let location = known.buffer.flatMap { located.locations[$0] } ?? .omitted
    return ContentRead(
      value: value, location: location, dtype: known.dtype, shape: known.shape,
      byteCount: try byteCount(known.shape, known.dtype))
  }

  /// Lets every output be computed where the caller wants it; what cannot be (an input, a constant, a tensor that is
  /// two outputs) is copied there.
  private mutating func placeOutputs() throws(MaasError) -> [PlanOutput?] {
    guard let graph = state.frames.first?.graph else { return [] }
    var outputs: [PlanOutput?] = []
    for (i, id) in graph.outputs.enumerated() {
      guard state.wantedOutputs[at: i] ?? false else {
        outputs.append(nil)
        continue
      }
      let value = try state.value(id)
      let known = state.values[value]
      if let container = known.container {
        outputs.append(.slot(container.slot))
        continue
      }
      outputs.append(.tensor(TensorType(dtype: known.dtype, shape: known.shape)))
      let buffer = state.buffer(value)
      let bytes = try byteCount(known.shape, known.dtype)
      if case .planned = state.buffers[buffer].place, state.buffers[buffer].byteCount == bytes {
        state.buffers[buffer].place = .placed(.output(i))
      } else {
        copy(buffer, toOutput: i, bytes, known.name)
      }
    }
    return outputs
  }

  private mutating func copy(_ source: Int, toOutput i: Int, _ bytes: Int, _ name: String) {
    let target = state.makeBuffer(.placed(.output(i)), bytes)
    guard bytes > 0 else { return }
    let step = StepTemplate.copy(from: BufferID(source), to: BufferID(target), bytes)
    let label = StepLabel(node: name, operatorName: "copy to output", shapes: "\(bytes) bytes")
    nodes.append(DraftNode(label: label, steps: [step], outputs: [target]))
  }

  private mutating func dropDeadNodes(keeping keep: Set<Int>) {
    var needed = keep
    for (i, buffer) in state.buffers.enumerated() {
      if case .placed(.output) = buffer.place { needed.insert(i) }
    }
    var alive: [DraftNode] = []
    for node in nodes.reversed() where node.outputs.contains(where: { needed.contains($0) }) {
      for step in node.steps {
        for case .some(let operand) in step.operands { needed.insert(operand.index) }
      }
      alive.append(node)
    }
    nodes = alive.reversed()
  }

  struct Located {
    var steps: [PlannedStep] = []
    var locations: [Int: Location] = [:]
    var retained: [TensorStorage] = []
  }

  private func locate(_ liveness: inout Liveness, _ arena: ArenaLayout) throws(MaasError) -> Located {
    var located = Located()
    for (i, node) in nodes.enumerated() {
      for template in node.steps {
        var locations: [Location] = []
        for operand in template.operands {
          guard let operand else {
            locations.append(.omitted)
            continue
          }
          locations.append(try location(operand.index, &liveness, arena, &located))
        }
        located.steps.append(PlannedStep(template: template, locations: locations, node: i))
      }
    }
    for buffer in liveness.kept { _ = try location(buffer, &liveness, arena, &located) }
    return located
  }

  private func location(
    _ buffer: Int, _ liveness: inout Liveness, _ arena: ArenaLayout, _ located: inout Located
  ) throws(MaasError) -> Location {
    if let known = located.locations[buffer] { return known }
    let root = liveness.root(buffer)
    let location: Location
    switch state.buffers[root].place {
    case .planned: location = .arena(level: state.level, offset: arena.offsets[root] ?? 0)
    case .placed(let placed): location = placed
    case .fixed(let storage):
      located.retained.append(storage)
      location = .fixed(storage.base)
    case .constant(let tensor):
      let storage = try state.context.weights.aligned(tensor).storage
      located.retained.append(storage)
      location = .fixed(storage.base)
    }
    located.locations[buffer] = location
    return location
  }
}

extension StepTemplate {
  static func copy(from source: BufferID, to target: BufferID, _ bytes: Int) -> StepTemplate {
    StepTemplate(
      run: { step, begin, end, _ in
        guard let step, let target = step.pointee.operands[0], let source = step.pointee.operands[1] else {
          return 0
        }
        maas_sys_copy(target + Int(begin), source + Int(begin), Int(end - begin))
        return 0
      }, operands: [target, source], params: [], items: bytes, grain: 1 << 18, scratch: 0, dtype: .uint8,
      kernel: "copy")
  }
}
