import CMaasSystem
import MaasCore
import MaasGraph

/// Where one output of a run goes.
package enum OutputTarget {
  /// Memory that maas allocates; kept for the next run when its size still fits and `keep` says so.
  case allocated(keep: Bool)
  /// A tensor of exactly the result's type and shape.
  case tensor(Tensor)
  /// A tensor to write over when it is of the result's type and shape; as `allocated` otherwise.
  case offered(Tensor)
  /// Any memory that is large enough.
  case memory(UnsafeMutableRawPointer, byteCount: Int)
}

/// What changes from run to run: the addresses of tensors, and what no step looks into.
struct RunData {
  let inputs: AddressTable
  let outputs: AddressTable
  /// The graph's inputs where they are no tensors, then the results of host operators.
  var slots: [Datum?]

  func address(slot i: Int) -> UnsafeMutableRawPointer? { (slots[at: i] ?? nil)?.tensor?.bytes }
}

/// Everything one run at a time needs for one set of input types: a chain of plan instances and the run's data.
/// Not for two threads at once; the executable hands each run its own.
final class RunContext {
  let root: PlanInstance
  private let threads: Int
  private let inputCount: Int
  /// How many of the inputs, the first ones, are set anew for each run, which may then use up what it is given.
  var freshInputs = 0
  private var data: RunData
  private(set) var results: [Datum?]
  private var staging: Staging
  private(set) var lastInstance: PlanInstance
  private var era = 0
  /// Whether the root's steps hold all addresses that another run of it alone needs.
  private var isPrepared = false
  /// Blocks of memory the last run asked for.
  private(set) var allocations = 0

  init(_ plan: Plan, inputCount: Int, outputCount: Int, threads: Int) throws(MaasError) {
    root = try PlanInstance(plan, after: [], threads: threads)
    lastInstance = root
    self.threads = threads
    self.inputCount = inputCount
    data = RunData(
      inputs: AddressTable(count: inputCount), outputs: AddressTable(count: outputCount),
      slots: Array(repeating: nil, count: plan.slotCount))
    results = Array(repeating: nil, count: outputCount)
    staging = Staging(inputCount: inputCount, outputCount: outputCount)
  }

  /// The caller keeps what it sets until the run is over.
  func setInput(_ i: Int, _ input: Datum) {
    isPrepared = false
    guard let tensor = input.tensor else {
      data.slots[i] = input
      return
    }
    data.inputs[i] = tensor.bytes
    staging.inputs[i] = AddressRange(tensor.bytes, tensor.byteCount)
  }

  #if !hasFeature(Embedded)
    /// Outputs that the last run computed elsewhere and copied, as they lie over inputs.
    var copiedOutputs: Int { staging.copiedOutputs }
  #endif

  /// A result that the context no longer keeps.
  func takeResult(_ i: Int) -> Datum? {
    defer { forgetResult(i) }
    return results[i]
  }

  func forgetResult(_ i: Int) {
    isPrepared = false
    results[i] = nil
  }

  /// Forgets what the last run made; inputs stay.
  func forgetResults() {
    for i in results.indices { forgetResult(i) }
    forgetSlots(from: inputCount)
  }

  func forgetAll() {
    forgetResults()
    forgetSlots(from: 0)
  }

  private func forgetSlots(from first: Int) {
    var i = first
    while i < data.slots.count {
      data.slots[i] = nil
      i += 1
    }
  }

  /// Runs all plans from the root to the end of the graph. Who gives other targets than before forgets their results.
  func run(
    targets: [OutputTarget], names: [String], limits: RunLimits, profile: Profile?
  ) throws(MaasError) {
    allocations = 0
    if isPrepared { return try runAgain(limits, profile) }
    if !root.plan.isLast { forgetEarlierEras() }
    var instance = root
    while true {
      try prepareOutputs(instance.plan, targets, names)
      instance.patch(data)
      try run(instance, limits, profile)
      if instance.plan.isLast { break }
      instance = try next(instance, limits, profile)
    }
    if lastInstance !== instance { lastInstance = instance }
    if instance.plan.delivers { try deliver(instance.plan, targets, names) }
    staging.deliver()
    forgetSlots(from: inputCount)
    isPrepared = root.plan.isLast && !root.plan.delivers
  }

  private func runAgain(_ limits: RunLimits, _ profile: Profile?) throws(MaasError) {
    try run(root, limits, profile)
    staging.deliver()
  }

  private func forgetEarlierEras() {
    let now = root.plan.family.era
    if now != era { root.forgetNext() }
    era = now
  }

  /// The instance that goes on after this one has run.
  private func next(
    _ instance: PlanInstance, _ limits: RunLimits, _ profile: Profile?
  ) throws(MaasError) -> PlanInstance {
    switch instance.plan.end {
    case .finished: throw MaasError(.internal, "nothing comes after the last plan")
    case .reads(let reads, _): return try instance.next(reading: reads, data, threads: threads)
    case .call(let site, _):
      let start = profile == nil ? 0 : maas_sys_now_ns()
      do {
        let types = try call(site, instance, limits)
        profile?.record(site, start)
        return try instance.next(with: types, threads)
      } catch {
        throw error.inNode(site.node.name, site.node.op.name)
      }
    }
  }

  private func run(
    _ instance: PlanInstance, _ limits: RunLimits, _ profile: Profile?
  ) throws(MaasError) {
    let pool = threads > 1 && instance.plan.isSplit ? ThreadPool.shared : nil
    let times = try profile.map { (_) throws(MaasError) in
      try StepTimes(steps: instance.plan.steps.count, threads: threads)
    }
    pool?.beginRun()
    let interruption = instance.run(pool: pool, threads: threads, limits: limits, times: times)
    pool?.endRun()
    if let interruption {
      throw error(interruption, instance.plan)
    }
    if let profile, let times { profile.record(instance.plan, times) }
  }
}

// Host operators.
extension RunContext {
  /// Runs the operator and puts its results into their slots; says what they are.
  private func call(
    _ site: HostSite, _ instance: PlanInstance, _ limits: RunLimits
  ) throws(MaasError) -> [DatumType?] {
    var call = HostCall(
      inputs: [], wanted: site.wanted, facts: site.facts, bodies: instance.bodies.map { $0 },
      worker: limits.worker(),
      execute: { [threads] step, worker in
        runStep(
          step, pool: threads > 1 ? ThreadPool.shared : nil, threads: threads,
          scratch: Scratch(base: nil, stride: 0), limits: limits, failure: &worker)
      })
    for source in site.inputs {
      call.inputs.append(try source.map { (s) throws(MaasError) in try datum(s, instance) })
    }
    for body in instance.bodies.reversed() {
      let first = call.inputs.count - body.captureCount
      body.prepare(captures: call.inputs[first...].compactMap { $0 }, limits)
      call.inputs.removeSubrange(first...)
    }
    let results = try site.op.run(usingUp: &call)
    for body in instance.bodies { allocations += body.allocations }
    var types: [DatumType?] = []
    for (i, slot) in site.results.enumerated() {
      guard let slot, let result = results[at: i] ?? nil else {
        types.append(nil)
        continue
      }
      types.append(DatumType(result))
      try set(slot: slot, site.op.ownsResults ? result : result.owned())
    }
    allocations += types.count
    return types
  }

  private func set(slot: Int, _ datum: Datum) throws(MaasError) {
    while data.slots.count <= slot { data.slots.append(nil) }
    data.slots[slot] = datum
  }

  private func datum(_ source: HostSource, _ instance: PlanInstance) throws(MaasError) -> Datum {
    switch source {
    case .constant(let tensor): return .tensor(tensor)
    case .slot(let i, let isLast):
      guard let datum = data.slots[at: i] ?? nil else { throw MaasError(.internal, "a slot is empty") }
      if isLast, i < freshInputs || i >= inputCount { data.slots[i] = nil }
      return datum
    case .tensor(.slot(let i), _, _): return try datum(.slot(i, isLast: false), instance)
    case .tensor(let location, let dtype, let shape):
      guard let address = instance.address(location, data) else { return .tensor(try Tensor(dtype, shape)) }
      let bytes = try byteCount(shape, dtype)
      return .tensor(try Tensor(dtype, shape, storage: .borrow(address, bytes)))
    }
  }
}

// Outputs.
extension RunContext {
  private func prepareOutputs(_ plan: Plan, _ targets: [OutputTarget], _ names: [String]) throws(MaasError) {
    staging.begin()
    for i in plan.outputs.indices {
      guard case .tensor(let type) = plan.outputs[i] else { continue }
      data.outputs[i] = try prepare(i, type, targets[i], names[i])
    }
  }

  /// Hands over the outputs that are not computed in their place: what is no tensor, and strings, whose bytes are
  /// still those of inputs and constants.
  private func deliver(_ plan: Plan, _ targets: [OutputTarget], _ names: [String]) throws(MaasError) {
    for i in plan.outputs.indices {
      switch plan.outputs[i] {
      case .tensor(let type) where type.dtype == .string:
        try expectAllocated(targets[i], names[i])
        results[i] = try results[i]?.owned()
      case .slot(let slot):
        try expectAllocated(targets[i], names[i])
        // Of a body's results, those that leave the operator are copied then.
        let result = data.slots[at: slot] ?? nil
        results[i] = freshInputs > 0 ? result : try result?.owned()
      default: continue
      }
    }
  }

  private func expectAllocated(_ target: OutputTarget, _ name: String) throws(MaasError) {
    switch target {
    case .allocated, .offered: return
    case .tensor, .memory: break
    }
    throw MaasError(
      .unsupported, "only tensors of numbers can be written to a caller's memory", tensor: name,
      hint: "let maas allocate this output")
  }

  private func prepare(
    _ i: Int, _ type: TensorType, _ target: OutputTarget, _ name: String
  ) throws(MaasError) -> UnsafeMutableRawPointer {
    switch target {
    case .allocated(let keep):
      return try reuse(keep ? reusableResult(i) : nil, i, type)
    case .offered(let tensor):
      return try reuse(tensor, i, type)
    case .tensor(let tensor):
      try expect(type, tensor, name)
      results[i] = .tensor(tensor)
      return try lent(i, tensor.bytes, type, name)
    case .memory(let address, let byteCount):
      let needed = try MaasCore.byteCount(type.shape, type.dtype)
      if byteCount < needed {
        throw MaasError(
          .bufferTooSmall, "the buffer for output \(describe(type.shape)) is too small", tensor: name,
          expected: "\(needed) bytes", found: "\(byteCount)")
      }
      if let result = results[i]?.tensor, result.bytes == address, result.dtype == type.dtype,
        result.shape == type.shape
      {
        return try lent(i, address, type, name)
      }
      let tensor = try Tensor(type.dtype, type.shape, storage: .borrow(address, byteCount))
      guard tensor.isAligned else {
        throw MaasError(
          .invalidArgument, "the address of a bound output must be a multiple of its element's size",
          tensor: name)
      }
      results[i] = .tensor(tensor)
      return try lent(i, address, type, name)
    }
  }

  /// Where a result for memory of the caller's is computed.
  private func lent(
    _ i: Int, _ address: UnsafeMutableRawPointer, _ type: TensorType, _ name: String
  ) throws(MaasError) -> UnsafeMutableRawPointer {
    let range = AddressRange(address, try MaasCore.byteCount(type.shape, type.dtype))
    #if !hasFeature(Embedded)
      if let overwriting = root.plan.overwriting, try staging.stays(i, range, overwriting, name) {
        return address
      }
    #endif
    return try staging.place(i, range, type, name, &allocations) ?? address
  }

  /// The last result, unless it has become an input since.
  private func reusableResult(_ i: Int) -> Tensor? {
    guard let tensor = results[i]?.tensor else { return nil }
    return staging.isInput(AddressRange(tensor.bytes, tensor.byteCount)) ? nil : tensor
  }

  /// The memory of `tensor` for output `i`, or fresh memory where that does not fit.
  private func reuse(_ tensor: Tensor?, _ i: Int, _ type: TensorType) throws(MaasError)
    -> UnsafeMutableRawPointer
  {
    if let tensor, tensor.dtype == type.dtype, tensor.shape == type.shape {
      results[i] = .tensor(tensor)
      return tensor.bytes
    }
    let result = try Tensor(type.dtype, type.shape)
    allocations += 1
    results[i] = .tensor(result)
    return result.bytes
  }

  private func expect(_ type: TensorType, _ tensor: Tensor, _ name: String) throws(MaasError) {
    if tensor.dtype != type.dtype {
      throw MaasError(
        .typeMismatch, "the tensor given for this output has another element type", tensor: name,
        expected: type.dtype.name, found: tensor.dtype.name)
    }
    if tensor.shape != type.shape {
      throw MaasError(
        .shapeMismatch, "the tensor given for this output has another shape", tensor: name,
        expected: describe(type.shape), found: describe(tensor.shape))
    }
  }

  private func error(_ interruption: Interruption, _ plan: Plan) -> MaasError {
    switch interruption {
    case .cancelled: return .cancelledRun
    case .deadline: return .lateRun
    case .failed(let step, let status, let worker):
      let label = plan.labels[plan.steps[step].node]
      let error = stepError(status, worker) ?? MaasError(.internal, "the step failed")
      return error.inNode(label.node, label.operatorName)
    }
  }
}
