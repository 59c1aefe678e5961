import CMaasSystem
import MaasCore
import MaasGraph

/// A plan with memory and addresses of its own: what one run at a time walks.
final class PlanInstance {
  let plan: Plan
  private let block: StepBlock
  private let arena: TensorStorage?
  private let scratchMemory: ScratchMemory
  /// Addresses of arenas by level, this plan's last.
  let arenas: [UnsafeMutableRawPointer?]
  /// Where the addresses go that change from run to run.
  private var inputSlots: [AddressSlot] = []
  private var outputSlots: [AddressSlot] = []
  private var dataSlots: [AddressSlot] = []
  private typealias AddressSlot = (slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>, index: Int)
  private var nextInstances: [PlanInstance] = []
  /// The bodies of the host operator that the plan ends with.
  let bodies: [PlanBody]

  init(_ plan: Plan, after earlier: [UnsafeMutableRawPointer?], threads: Int) throws(MaasError) {
    self.plan = plan
    block = try StepBlock(plan.steps.map { $0.template }) { plan.steps[$0].node }
    arena = plan.arenaBytes > 0 ? try TensorStorage.allocateLasting(plan.arenaBytes) : nil
    arenas = earlier + [arena?.base]
    scratchMemory = try ScratchMemory(bytes: plan.scratchBytes, threads: threads)
    bodies = plan.makeBodies()
    let arenas = self.arenas
    block.fill { step, operand in
      switch plan.steps[step].locations[operand] {
      case .arena(let level, let offset): (arenas[at: level] ?? nil).map { $0 + offset }
      case .fixed(let address): address
      case .input, .output, .slot, .omitted: nil
      }
    }
    findSlots()
  }

  private func findSlots() {
    for (i, step) in plan.steps.enumerated() {
      for (j, location) in step.locations.enumerated() {
        let slot = block.slot(step: i, operand: j)
        if case .input(let index) = location { inputSlots.append((slot, index)) }
        if case .output(let index) = location { outputSlots.append((slot, index)) }
        if case .slot(let index) = location { dataSlots.append((slot, index)) }
      }
    }
  }

  /// Puts the run's addresses where the steps look for them.
  func patch(_ data: RunData) {
    for (slot, index) in inputSlots { slot.pointee = data.inputs[index] }
    for (slot, index) in outputSlots { slot.pointee = data.outputs[index] }
    for (slot, index) in dataSlots { slot.pointee = data.address(slot: index) }
  }

  func run(
    pool: ThreadPool?, threads: Int, limits: RunLimits, times: StepTimes?
  ) -> Interruption? {
    execute(
      block.steps, count: block.count, pool: pool, threads: threads, scratch: scratchMemory.scratch,
      limits: limits, times: times)
  }

  func address(_ location: Location, _ data: RunData) -> UnsafeMutableRawPointer? {
    switch location {
    case .arena(let level, let offset): (arenas[at: level] ?? nil).map { $0 + offset }
    case .input(let i): data.inputs[i]
    case .slot(let i): data.address(slot: i)
    case .fixed(let address): address
    case .output, .omitted: nil
    }
  }

  /// The instance that goes on from the contents this one has computed.
  func next(
    reading reads: [ContentRead], _ data: RunData, threads: Int
  ) throws(MaasError) -> PlanInstance {
    for next in nextInstances where matches(next, reads, data) { return next }
    var tensors: [Tensor] = []
    for read in reads {
      let tensor = try Tensor(read.dtype, read.shape)
      if let source = address(read.location, data) { maas_sys_copy(tensor.bytes, source, read.byteCount) }
      tensors.append(tensor)
    }
    let instance = try next(try plan.continuation(reading: tensors), threads)
    instance.contents = tensors
    return instance
  }

  /// The instance that goes on with results of these types.
  func next(with types: [DatumType?], _ threads: Int) throws(MaasError) -> PlanInstance {
    for next in nextInstances where next.types == types { return next }
    let instance = try next(try plan.continuation(with: types), threads)
    instance.types = types
    return instance
  }

  private func next(_ plan: Plan?, _ threads: Int) throws(MaasError) -> PlanInstance {
    guard let plan else { throw MaasError(.internal, "the plan has no continuation") }
    let instance = try PlanInstance(plan, after: arenas, threads: threads)
    if nextInstances.count == Self.maximumNext { nextInstances.removeFirst() }
    nextInstances.append(instance)
    return instance
  }
  private static let maximumNext = 8

  /// Forgets all instances that go on from this one; no run may be in one of them.
  func forgetNext() { nextInstances = [] }

  /// What this instance was made for.
  private var contents: [Tensor] = []
  private var types: [DatumType?] = []

  private func matches(_ instance: PlanInstance, _ reads: [ContentRead], _ data: RunData) -> Bool {
    for (read, known) in zip(reads, instance.contents) {
      guard let now = address(read.location, data), maas_sys_equal(now, known.bytes, read.byteCount) else {
        return false
      }
    }
    return true
  }
}

extension Plan {
  fileprivate func makeBodies() -> [PlanBody] {
    guard case .call(let site, let rest) = end else { return [] }
    return rest.context.executables(of: site.op).map { PlanBody($0) }
  }
}

/// Addresses of a run's inputs or outputs, in memory that steps and callers can reach without Swift's arrays.
final class AddressTable {
  private let memory: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  let count: Int

  init(count: Int) {
    self.count = count
    memory = .allocate(capacity: max(count, 1))
    memory.initialize(repeating: nil, count: max(count, 1))
  }

  deinit { memory.deallocate() }

  subscript(_ i: Int) -> UnsafeMutableRawPointer? {
    get { i < count ? memory[i] : nil }
    set { if i < count { memory[i] = newValue } }
  }
}
