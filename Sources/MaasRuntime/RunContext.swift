import CMaasSystem
import MaasCore
import MaasGraph

/// Where one output of a run goes.
package enum OutputTarget {
  /// Memory that maas allocates; kept for the next run when its size still fits and `keep` says so.
  case allocated(keep: Bool)
  /// A tensor of exactly the result's type and shape.
  case tensor(Tensor)
  /// Any memory that is large enough.
  case memory(UnsafeMutableRawPointer, byteCount: Int)
}

/// Everything one run at a time needs for one set of input shapes: a chain of plan instances and the addresses of
/// inputs and outputs. Not for two threads at once; the executable hands each run its own.
final class RunContext {
  let root: PlanInstance
  private let threads: Int
  private let inputs: AddressTable
  private let outputs: AddressTable
  private(set) var results: [Tensor?]
  private(set) var lastInstance: PlanInstance
  /// Blocks of memory the last run asked for.
  private(set) var allocations = 0

  init(_ plan: Plan, inputCount: Int, outputCount: Int, threads: Int) throws(MaasError) {
    root = try PlanInstance(plan, after: [], threads: threads)
    lastInstance = root
    self.threads = threads
    inputs = AddressTable(count: inputCount)
    outputs = AddressTable(count: outputCount)
    results = Array(repeating: nil, count: outputCount)
  }

  func setInput(_ i: Int, _ address: UnsafeMutableRawPointer) { inputs[i] = address }
  func forgetResults() { for i in results.indices { results[i] = nil } }

  /// Runs all plans from the root to the end of the graph.
  func run(
    targets: [OutputTarget], names: [String], limits: RunLimits, profile: Profile?
  ) throws(MaasError) {
    allocations = 0
    let pool = threads > 1 ? ThreadPool.shared : nil
    var instance = root
    while true {
      try prepareOutputs(instance.plan, targets, names)
      instance.patch(inputs: inputs, outputs: outputs)
      try run(instance, pool, limits, profile)
      if instance.plan.rest == nil { break }
      instance = try instance.next(inputs: inputs, threads: threads) { allocations += 1 }
    }
    lastInstance = instance
  }

  private func run(
    _ instance: PlanInstance, _ pool: ThreadPool?, _ limits: RunLimits, _ profile: Profile?
  ) throws(MaasError) {
    let stamps = try profile.map { (_) throws(MaasError) in
      try TensorStorage.allocate((instance.plan.steps.count + 1) * MemoryLayout<Int64>.stride)
    }
    let times = stamps?.base.bindMemory(to: Int64.self, capacity: instance.plan.steps.count + 1)
    if let interruption = instance.run(pool: pool, threads: threads, limits: limits, stamps: times) {
      throw error(interruption, instance.plan)
    }
    if let profile, let times { profile.record(instance.plan, times) }
  }

  private func prepareOutputs(_ plan: Plan, _ targets: [OutputTarget], _ names: [String]) throws(MaasError) {
    for i in plan.outputs.indices {
      guard let type = plan.outputs[i] else { continue }
      outputs[i] = try prepare(i, type, targets[i], names[i])
    }
  }

  private func prepare(
    _ i: Int, _ type: TensorType, _ target: OutputTarget, _ name: String
  ) throws(MaasError) -> UnsafeMutableRawPointer {
    switch target {
    case .allocated(let keep):
      if keep, let result = results[i], result.dtype == type.dtype, result.shape == type.shape {
        return result.bytes
      }
      let result = try Tensor(type.dtype, type.shape)
      allocations += 1
      results[i] = result
      return result.bytes
    case .tensor(let tensor):
      try expect(type, tensor, name)
      results[i] = tensor
      return tensor.bytes
    case .memory(let address, let byteCount):
      let needed = try MaasCore.byteCount(type.shape, type.dtype)
      if byteCount < needed {
        throw MaasError(
          .bufferTooSmall, "the buffer for output \(describe(type.shape)) is too small", tensor: name,
          expected: "\(needed) bytes", found: "\(byteCount)")
      }
      if let result = results[i], result.bytes == address, result.dtype == type.dtype,
        result.shape == type.shape
      {
        return address
      }
      results[i] = try Tensor(type.dtype, type.shape, storage: .borrow(address, byteCount))
      return address
    }
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
    case .cancelled: return MaasError(.cancelled, "the run was cancelled")
    case .deadline: return MaasError(.deadlineExceeded, "the run did not finish before its deadline")
    case .failed(let step, let status, let worker):
      let label = plan.labels[plan.steps[step].node]
      let error = stepError(status, worker) ?? MaasError(.internal, "the step failed")
      return error.inNode(label.node, label.operatorName)
    }
  }
}
