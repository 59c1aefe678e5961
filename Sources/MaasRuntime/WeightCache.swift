import CMaasSystem
import MaasCore
import MaasGraph

/// Bytes derived from a model's constants (packed weights, aligned copies), made once and shared by all its sessions,
/// and with other models that have the same.
package final class WeightCache: @unchecked Sendable {
  private struct Key: Hashable {
    let source: ObjectIdentifier
    let layout: String
  }

  private let lock = Lock()
  private let owned: Set<ObjectIdentifier>
  private var made: [Key: TensorStorage] = [:]

  /// `graph` is the only owner of the constants that are worth remembering: others die with their plan.
  package init(_ graph: Graph) {
    var owned: Set<ObjectIdentifier> = []
    WeightCache.collect(graph, &owned)
    self.owned = owned
  }

  private static func collect(_ graph: Graph, _ owned: inout Set<ObjectIdentifier>) {
    for value in graph.values {
      if let constant = value.constant { owned.insert(ObjectIdentifier(constant)) }
    }
    for node in graph.nodes {
      for body in node.op.bodies { collect(body, &owned) }
    }
  }

  deinit { for storage in made.values { SharedBytes.leave(storage) } }

  /// Bytes held, packed weights and copies together.
  package var byteCount: Int {
    lock.holding { made.values.reduce(0) { $0 + $1.byteCount } }
  }

  /// The bytes a step packs from a constant.
  func packed(_ request: PackRequest, threads: Int) throws(MaasError) -> TensorStorage {
    try remembered(request.source, request.layout) { () throws(MaasError) in
      let target = try TensorStorage.allocateLasting(request.byteCount)
      // Packing kernels load from any address: a weight is read where the file has it.
      let source = request.source.bytes
      let operand = request.step.operands[at: 0] ?? nil
      try request.step.runOnce(threads: threads) { $0 == operand ? target.base : source }
      request.source.storage.forgetPages()
      return target
    }
  }

  /// The tensor at an address its element type may be loaded from.
  func aligned(_ tensor: Tensor) throws(MaasError) -> Tensor {
    if tensor.isAligned { return tensor }
    let storage = try remembered(tensor, "aligned") { () throws(MaasError) in
      try MaasGraph.aligned(tensor).storage
    }
    return try Tensor(tensor.dtype, tensor.shape, storage: storage)
  }

  private func remembered(
    _ source: Tensor, _ layout: String, _ make: () throws(MaasError) -> TensorStorage
  ) throws(MaasError) -> TensorStorage {
    let key = Key(source: ObjectIdentifier(source), layout: layout)
    guard owned.contains(key.source) else { return try make() }
    if let known = lock.holding({ made[key] }) { return known }
    let storage = try SharedBytes.of(source, layout, make)
    let earlier = lock.holding {
      defer { if made[key] == nil { made[key] = storage } }
      return made[key]
    }
    if earlier != nil { SharedBytes.leave(storage) }
    return earlier ?? storage
  }
}

extension StepTemplate {
  /// Runs the step outside any plan, on up to `threads` threads.
  func runOnce(threads: Int, _ address: (BufferID) -> UnsafeMutableRawPointer?) throws(MaasError) {
    let block = try StepBlock([self], node: { _ in 0 })
    block.fill { _, operand in operands[operand].flatMap(address) }
    let scratch = try ScratchMemory(bytes: scratch, threads: threads)
    var failure = maas_worker()
    let status = runStep(
      block.steps, pool: threads > 1 ? ThreadPool.shared : nil, threads: threads, scratch: scratch.scratch,
      limits: RunLimits(), failure: &failure)
    if let error = stepError(status, failure) { throw error }
  }
}
