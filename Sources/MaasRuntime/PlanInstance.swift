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
  /// Where the addresses of the run's inputs and outputs go.
  private var inputSlots: [(slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>, index: Int)] = []
  private var outputSlots: [(slot: UnsafeMutablePointer<UnsafeMutableRawPointer?>, index: Int)] = []
  private var nextInstances: [PlanInstance] = []

  init(_ plan: Plan, after earlier: [UnsafeMutableRawPointer?], threads: Int) throws(MaasError) {
    self.plan = plan
    block = try StepBlock(plan.steps.map { $0.template }) { plan.steps[$0].node }
    arena = plan.arenaBytes > 0 ? try TensorStorage.allocate(plan.arenaBytes) : nil
    arenas = earlier + [arena?.base]
    scratchMemory = try ScratchMemory(bytes: plan.scratchBytes, threads: threads)
    let arenas = self.arenas
    block.fill { step, operand in
      switch plan.steps[step].locations[operand] {
      case .arena(let level, let offset): (arenas[at: level] ?? nil).map { $0 + offset }
      case .fixed(let address): address
      case .input, .output, .omitted: nil
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
      }
    }
  }

  /// Puts the run's addresses where the steps look for them.
  func patch(inputs: AddressTable, outputs: AddressTable) {
    for (slot, index) in inputSlots { slot.pointee = inputs[index] }
    for (slot, index) in outputSlots { slot.pointee = outputs[index] }
  }

  func run(
    pool: ThreadPool?, threads: Int, limits: RunLimits, stamps: UnsafeMutablePointer<Int64>?
  ) -> Interruption? {
    execute(
      block.steps, count: block.count, pool: pool, threads: threads, scratch: scratchMemory.scratch,
      limits: limits,
      stamps: stamps)
  }

  private func address(_ read: ContentRead, _ inputs: AddressTable) -> UnsafeMutableRawPointer? {
    switch read.location {
    case .arena(let level, let offset): (arenas[at: level] ?? nil).map { $0 + offset }
    case .input(let i): inputs[i]
    case .fixed(let address): address
    case .output, .omitted: nil
    }
  }

  /// The instance that goes on from the contents this one has computed.
  func next(
    inputs: AddressTable, threads: Int, onAllocation: () -> Void
  ) throws(MaasError) -> PlanInstance {
    for i in nextInstances.indices where matches(nextInstances[i], inputs) { return nextInstances[i] }
    onAllocation()
    var contents: [UInt8] = []
    var tensors: [Tensor] = []
    for read in plan.reads {
      let tensor = try Tensor(read.dtype, read.shape)
      if let source = address(read, inputs) { maas_sys_copy(tensor.bytes, source, read.byteCount) }
      tensors.append(tensor)
      contents += UnsafeRawBufferPointer(start: tensor.bytes, count: read.byteCount)
    }
    guard let plan = try plan.continuation(contents, tensors) else {
      throw MaasError(.internal, "the plan has no continuation")
    }
    let instance = try PlanInstance(plan, after: arenas, threads: threads)
    instance.contents = tensors
    if nextInstances.count == Self.maximumNext { nextInstances.removeFirst() }
    nextInstances.append(instance)
    return instance
  }
  private static let maximumNext = 8

  /// The contents this instance was made for.
  private var contents: [Tensor] = []

  private func matches(_ instance: PlanInstance, _ inputs: AddressTable) -> Bool {
    for i in plan.reads.indices {
      guard let now = address(plan.reads[i], inputs),
        maas_sys_equal(now, instance.contents[i].bytes, plan.reads[i].byteCount)
      else { return false }
    }
    return true
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
