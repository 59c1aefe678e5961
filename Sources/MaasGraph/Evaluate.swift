import CMaasSystem
import MaasCore

/// Runs one operator on tensors, on the calling thread: how constants are folded, and how operators are tested.
///
/// Nil when a shape cannot be told even from the contents, or outputs and memory on the way take more than `byteLimit`
/// bytes.
package func evaluate(
  _ op: any Operator, _ inputs: [Tensor?], outputs wanted: [Bool], byteLimit: Int = .max
) throws(MaasError) -> [Tensor?]? {
  if op.isRandom || !op.bodies.isEmpty { return nil }
  let names: [String?] = wanted.map { $0 ? "output" : nil }
  var inference = Inference(
    inputs: inputs.map { $0.map { Fact(constant: $0) } }, outputNames: names,
    makeSymbol: { _ in .symbol("?") })
  try op.infer(&inference)
  if let host = op.host(inputs.map { $0?.dtype }, inference.outputs) {
    return try evaluate(host, inputs, inference.outputs, wanted, byteLimit)
  }
  guard let shapes = concreteShapes(inference.outputs), fits(inference.outputs, shapes, byteLimit) else {
    return nil
  }
  var evaluation = Evaluation(byteLimit: byteLimit)
  return try evaluation.run(op, inputs, inference.outputs, shapes)
}

private func evaluate(
  _ op: any HostOperator, _ inputs: [Tensor?], _ facts: [Fact?], _ wanted: [Bool], _ byteLimit: Int
) throws(MaasError) -> [Tensor?]? {
  guard facts.allSatisfy({ $0?.container == nil }) else { return nil }
  let results = try op.run(
    HostCall(inputs: inputs.map { $0.map { .tensor($0) } }, wanted: wanted, facts: facts))
  let tensors = results.map { $0?.tensor }
  let bytes = tensors.reduce(0) { $0 + ($1?.byteCount ?? 0) }
  return bytes <= byteLimit ? tensors : nil
}

/// A shape for each output; nil when one is not all numbers.
private func concreteShapes(_ facts: [Fact?]) -> [[Int]]? {
  var shapes: [[Int]] = []
  for fact in facts {
    guard let fact else {
      shapes.append([])
      continue
    }
    guard let shape = fact.shape?.concrete else { return nil }
    shapes.append(shape)
  }
  return shapes
}

private func fits(_ facts: [Fact?], _ shapes: [[Int]], _ byteLimit: Int) -> Bool {
  var rest = byteLimit
  for (fact, shape) in zip(facts, shapes) {
    guard let fact else { continue }
    guard let count = elementCount(shape), let bytes = byteCount(count, fact.dtype), bytes <= rest else {
      return false
    }
    rest -= bytes
  }
  return true
}

/// Memory for every buffer that one lowering names.
private struct Evaluation {
  private let byteLimit: Int
  private var tensors: [Tensor?] = []

  init(byteLimit: Int) { self.byteLimit = byteLimit }

  mutating func run(
    _ op: any Operator, _ inputs: [Tensor?], _ facts: [Fact?], _ shapes: [[Int]]
  ) throws(MaasError) -> [Tensor?]? {
    var operands: [Operand?] = []
    for tensor in inputs { operands.append(try operand(tensor.map(aligned))) }
    var outputs: [Operand?] = []
    for (fact, shape) in zip(facts, shapes) {
      var tensor: Tensor?
      if let fact { tensor = try Tensor(fact.dtype, shape) }
      outputs.append(try operand(tensor))
    }
    var lowering = Lowering(
      inputs: operands, outputs: outputs, wanted: outputs.map { $0 != nil }, nextBuffer: tensors.count)
    try op.lower(&lowering)
    return lowering.buffers.contains { $0.byteCount > byteLimit } ? nil : try finish(lowering)
  }

  private mutating func operand(_ tensor: Tensor?) throws(MaasError) -> Operand? {
    tensors.append(tensor)
    guard let tensor else { return nil }
    return try Operand(BufferID(tensors.count - 1), tensor.dtype, tensor.shape, constant: tensor)
  }

  private mutating func finish(_ lowering: Lowering) throws(MaasError) -> [Tensor?] {
    for request in lowering.buffers {
      switch request {
      case .temporary(let byteCount): tensors.append(try Tensor(.uint8, [byteCount]))
      case .constant(let tensor): tensors.append(tensor)
      case .pack(let pack):
        tensors.append(try Tensor(.uint8, [pack.byteCount]))
        try run(pack.step)
      }
    }
    for step in lowering.steps { try run(step) }
    var results = lowering.outputs.map { $0.flatMap { tensors[$0.buffer.index] } }
    for alias in lowering.aliases {
      guard let output = lowering.outputs[at: alias.output] ?? nil,
        let input = try lowering.input(alias.input).constant
      else { continue }
      results[alias.output] = try Tensor(output.dtype, output.shape, storage: input.storage)
    }
    // The bytes of moved strings are still the inputs'.
    for i in results.indices where results[i]?.dtype == .string { results[i] = try results[i]?.owned() }
    return results
  }

  private func run(_ step: StepTemplate) throws(MaasError) {
    try step.runSerially { id in tensors[id.index]?.bytes }
  }
}

/// The tensor, or a copy of it at an address that its element type may be loaded from.
package func aligned(_ tensor: Tensor) throws(MaasError) -> Tensor {
  if tensor.isAligned { return tensor }
  let copy = try Tensor(tensor.dtype, tensor.shape)
  maas_sys_copy(copy.bytes, tensor.bytes, tensor.byteCount)
  return copy
}

extension StepTemplate {
  /// Runs all items on the calling thread.
  package func runSerially(
    _ address: (BufferID) -> UnsafeMutableRawPointer?
  ) throws(MaasError) {
    let memory = try TensorStorage.allocate(params.count)
    let scratchMemory = try TensorStorage.allocate(scratch)
    for (i, byte) in params.enumerated() { memory.base.storeBytes(of: byte, toByteOffset: i, as: UInt8.self) }
    let pointers = operands.map { $0.flatMap(address) }
    var worker = maas_worker(scratch: scratchMemory.base)
    let status = pointers.withUnsafeBufferPointer { pointers in
      var step = maas_step(
        run: run, operands: pointers.baseAddress, params: UnsafeRawPointer(memory.base), items: Int64(items),
        grain: Int64(grain), scratch: Int64(scratch), node: 0, dtype: dtype.rawValue,
        sequence: Int64(sequence))
      return run(&step, 0, Int64(items), &worker)
    }
    if let error = stepError(status, worker) { throw error }
  }
}

extension maas_worker {
  package init(scratch: UnsafeMutableRawPointer?) {
    self.init()
    self.scratch = scratch
  }

  /// Why the run is to end, if it is: to be asked every few milliseconds.
  package var interruption: MaasError? {
    if let cancel, maas_sys_load(cancel) != 0 { return .cancelledRun }
    return deadline != 0 && maas_sys_now_ns() >= deadline ? .lateRun : nil
  }
}

extension MaasError {
  package static var cancelledRun: MaasError { MaasError(.cancelled, "the run was cancelled") }
  package static var lateRun: MaasError {
    MaasError(.deadlineExceeded, "the run did not finish before its deadline")
  }
}

/// The error of a step that has more to say than numbers, on its way to `stepError`.
package final class StepFailure {
  private let error: MaasError

  private init(_ error: MaasError) { self.error = error }

  /// Ends a step with an error; the result is the step's status.
  package static func leave(_ error: MaasError, _ worker: UnsafeMutablePointer<maas_worker>) -> Int32 {
    let failure = Unmanaged.passRetained(StepFailure(error)).toOpaque()
    worker.pointee.failure.0 = Int64(Int(bitPattern: failure))
    return Int32(MAAS_STEP_ERROR)
  }

  fileprivate static func taken(_ found: Int64) -> MaasError? {
    UnsafeRawPointer(bitPattern: Int(found)).map {
      Unmanaged<StepFailure>.fromOpaque($0).takeRetainedValue().error
    }
  }
}

/// What a step's status means to the user; nil for success. Asked once for each failure.
package func stepError(_ status: Int32, _ worker: maas_worker) -> MaasError? {
  let (found, low, high) = worker.failure
  switch Int(status) {
  case Int(MAAS_STEP_OK): return nil
  case Int(MAAS_STEP_ERROR): return StepFailure.taken(found)
  case Int(MAAS_STEP_DIVISION): return MaasError(.outOfRange, "an integer is divided by zero")
  case Int(MAAS_STEP_INDEX):
    return MaasError(
      .outOfRange, "an index is out of range", expected: span(Int(low), Int(high)), found: "\(found)")
  case Int(MAAS_STEP_TEXT):
    return MaasError(
      .outOfRange, "a string is not a number", expected: "a decimal number, inf or nan",
      found: "something else in element \(found)")
  case Int(MAAS_STEP_KEY):
    return MaasError(.outOfRange, "element \(found) of the input is of no known category")
  default:
    return MaasError(
      .outOfRange, "a value is out of range", expected: span(Int(low), Int(high)), found: "\(found)")
  }
}
