import CMaasSystem
import MaasCore
import MaasGraph
import Testing

/// Runs one operator as a plan would: inputs are not constant, contents are given when the operator asks for them.
struct PlainRun {
  /// Which input, of those the operator allows, the output is written over.
  var reuses: Int?
  /// Items per call of a step; nil for all at once.
  var chunk: Int?
  /// The flag that cancels the run.
  var cancel: UnsafePointer<Int64>?

  private(set) var reusable: [(output: Int, input: Int)] = []
  private var buffers: [Tensor?] = []

  init(reuses: Int? = nil, chunk: Int? = nil) {
    self.reuses = reuses
    self.chunk = chunk
  }

  mutating func run(_ op: any Operator, _ inputs: [Tensor?], outputs: [Bool]) throws -> [Tensor?] {
    let (facts, contents) = try inferred(op, inputs, outputs)
    if let host = op.host(inputs.map { $0?.dtype }, facts) {
      let data = inputs.map { $0.map { Datum.tensor($0) } }
      var worker = maas_worker()
      worker.cancel = cancel
      let call = HostCall(inputs: data, wanted: outputs, facts: facts, worker: worker)
      return try host.run(call).map { $0?.tensor }
    }
    var operands: [Operand?] = []
    for (i, tensor) in inputs.enumerated() {
      operands.append(try operand(tensor, constant: contents.contains(i)))
    }
    var results: [Operand?] = []
    for fact in facts {
      let shape = try fact.map { try #require($0.shape?.concrete, "a shape is not known") }
      let tensor = try fact.map { try spoiled(try Tensor($0.dtype, shape ?? [])) }
      results.append(try operand(tensor, constant: false))
    }
    var lowering = Lowering(inputs: operands, outputs: results, wanted: outputs, nextBuffer: buffers.count)
    try op.lower(&lowering)
    reusable = lowering.reusable
    try shareMemory(lowering, inputs.count)
    try finish(lowering)
    return try deliver(lowering, inputs.count)
  }

  /// What the outputs are, and the inputs whose contents that took.
  private func inferred(
    _ op: any Operator, _ inputs: [Tensor?], _ outputs: [Bool]
  ) throws -> ([Fact?], Set<Int>) {
    var contents: Set<Int> = []
    while true {
      let facts = inputs.enumerated().map { i, tensor in
        tensor.map { contents.contains(i) ? Fact(constant: $0) : Fact($0.dtype, Shape($0.shape)) }
      }
      var inference = Inference(
        inputs: facts, outputNames: outputs.map { $0 ? "y" : nil }, makeSymbol: { _ in .symbol("?") })
      try op.infer(&inference)
      if inference.neededContents.isEmpty { return (inference.outputs, contents) }
      try #require(contents.isDisjoint(with: inference.neededContents), "contents are asked for twice")
      contents.formUnion(inference.neededContents)
    }
  }

  private mutating func operand(_ tensor: Tensor?, constant: Bool) throws -> Operand? {
    buffers.append(tensor)
    guard let tensor else { return nil }
    let id = BufferID(buffers.count - 1)
    return try Operand(id, tensor.dtype, tensor.shape, constant: constant ? tensor : nil)
  }

  /// Memory as a plan may leave it.
  private func spoiled(_ tensor: Tensor) throws -> Tensor {
    for i in 0..<tensor.byteCount { tensor.bytes.storeBytes(of: 0xff, toByteOffset: i, as: UInt8.self) }
    return tensor
  }

  private mutating func shareMemory(_ lowering: Lowering, _ inputCount: Int) throws {
    guard let reuses, let pair = lowering.reusable.first(where: { $0.input == reuses }),
      let input = buffers[pair.input], let output = buffers[inputCount + pair.output]
    else { return }
    try #require(input.byteCount == output.byteCount)
    maas_sys_copy(output.bytes, input.bytes, input.byteCount)
    buffers[pair.input] = output
  }

  private mutating func finish(_ lowering: Lowering) throws {
    for request in lowering.buffers {
      switch request {
      case .temporary(let bytes): buffers.append(try spoiled(try Tensor(.uint8, [bytes])))
      case .constant(let tensor): buffers.append(tensor)
      case .pack(let pack):
        buffers.append(try spoiled(try Tensor(.uint8, [pack.byteCount])))
        try run(pack.step)
      }
    }
    for step in lowering.steps { try run(step) }
  }

  private func deliver(_ lowering: Lowering, _ inputCount: Int) throws -> [Tensor?] {
    var results = lowering.outputs.indices.map { buffers[inputCount + $0] }
    for alias in lowering.aliases {
      let (output, input) = (try #require(lowering.outputs[alias.output]), try #require(buffers[alias.input]))
      results[alias.output] = try Tensor(output.dtype, output.shape, storage: input.storage)
    }
    return results
  }

  private func run(_ step: StepTemplate) throws {
    let size = chunk ?? step.items
    for begin in stride(from: 0, to: step.items, by: max(1, size)) {
      try run(step, begin, min(step.items, begin + size))
    }
  }

  private func run(_ step: StepTemplate, _ begin: Int, _ end: Int) throws {
    let params = try TensorStorage.allocate(max(16, step.params.count))
    for (i, byte) in step.params.enumerated() {
      params.base.storeBytes(of: byte, toByteOffset: i, as: UInt8.self)
    }
    let scratch = try TensorStorage.allocate(max(64, step.scratch))
    let pointers = step.operands.map { $0.flatMap { buffers[$0.index]?.bytes } }
    var worker = maas_worker(scratch: scratch.base)
    worker.cancel = cancel
    let status = pointers.withUnsafeBufferPointer { pointers in
      var raw = maas_step(
        run: step.run, operands: pointers.baseAddress, params: UnsafeRawPointer(params.base),
        items: Int64(step.items), grain: Int64(step.grain), scratch: Int64(step.scratch), node: 0,
        dtype: step.dtype.rawValue, sequence: Int64(step.sequence))
      return step.run(&raw, Int64(begin), Int64(end), &worker)
    }
    if status == MAAS_STEP_STOPPED { throw MaasError.cancelledRun }
    if let error = stepError(status, worker) { throw error }
  }
}
