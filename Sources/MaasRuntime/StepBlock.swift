import CMaasSystem
import MaasCore
import MaasGraph

/// The flat buffer a run walks: trivial steps, their operand addresses and parameters in one piece of memory.
/// With `TensorStorage` the only place of unsafe memory in the core.
final class StepBlock: @unchecked Sendable {
  let steps: UnsafeMutablePointer<maas_step>
  let count: Int
  private let memory: TensorStorage
  private let slots: UnsafeMutablePointer<UnsafeMutableRawPointer?>
  private let firstSlot: [Int]
  private let operandCounts: [Int]

  init(_ templates: [StepTemplate], node: (Int) -> Int) throws(MaasError) {
    count = templates.count
    let slotCount = templates.reduce(0) { $0 + $1.operands.count }
    let paramBytes = templates.reduce(0) { $0 + padded($1.params.count) }
    let stepBytes = padded(count * MemoryLayout<maas_step>.stride)
    let slotBytes = padded(slotCount * MemoryLayout<UnsafeMutableRawPointer?>.stride)
    memory = try TensorStorage.allocateLasting(stepBytes + slotBytes + paramBytes)
    steps = memory.base.bindMemory(to: maas_step.self, capacity: count)
    slots = (memory.base + stepBytes).bindMemory(to: UnsafeMutableRawPointer?.self, capacity: slotCount)
    slots.initialize(repeating: nil, count: slotCount)
    var firstSlot: [Int] = []
    var (slot, params) = (0, memory.base + stepBytes + slotBytes)
    for (i, template) in templates.enumerated() {
      firstSlot.append(slot)
      template.params.withUnsafeBytes { maas_sys_copy(params, $0.baseAddress, $0.count) }
      (steps + i).initialize(
        to: maas_step(
          run: template.run, operands: UnsafePointer(slots + slot), params: UnsafeRawPointer(params),
          items: Int64(template.items), grain: Int64(template.grain), scratch: Int64(template.scratch),
          node: Int32(truncatingIfNeeded: node(i)), dtype: template.dtype.rawValue,
          sequence: Int64(template.sequence)))
      slot += template.operands.count
      params += padded(template.params.count)
    }
    self.firstSlot = firstSlot
    operandCounts = templates.map { $0.operands.count }
  }

  /// Sets every operand address.
  func fill(_ address: (_ step: Int, _ operand: Int) -> UnsafeMutableRawPointer?) {
    for step in 0..<count {
      for operand in 0..<operandCounts[step] {
        slots[firstSlot[step] + operand] = address(step, operand)
      }
    }
  }

  /// The place of one operand's address, for those that change from run to run.
  func slot(step: Int, operand: Int) -> UnsafeMutablePointer<UnsafeMutableRawPointer?> {
    slots + firstSlot[step] + operand
  }
}

/// Rounded up so that what follows is aligned for any parameter struct.
private func padded(_ bytes: Int) -> Int { (bytes + 63) / 64 * 64 }

/// Scratch memory for every thread that may take part in a step.
struct ScratchMemory {
  private let storage: TensorStorage?
  let scratch: Scratch

  init(bytes: Int, threads: Int) throws(MaasError) {
    let stride = padded(bytes)
    guard stride > 0 else {
      storage = nil
      scratch = Scratch(base: nil, stride: 0)
      return
    }
    guard let total = product(stride, max(threads, 1)) else {
      throw MaasError(.outOfMemory, "no memory for \(threads) times \(stride) bytes of scratch")
    }
    let storage = try TensorStorage.allocateLasting(total)
    self.storage = storage
    scratch = Scratch(base: storage.base, stride: stride)
  }
}
