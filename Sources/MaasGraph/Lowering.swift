import CMaasSystem
import MaasCore

/// Where the bytes of an operand are while a plan runs. The plan gives numbers to values and scratch.
package struct BufferID: Hashable, Sendable {
  package let index: Int
  package init(_ index: Int) { self.index = index }
}

/// A tensor as a step sees it. An object, as passing one around takes less code than copying what it holds.
package final class Operand: Sendable {
  package let buffer: BufferID
  package let dtype: DType
  package let shape: [Int]
  package let count: Int
  /// The contents, when constant.
  package let constant: Tensor?

  package init(_ buffer: BufferID, _ dtype: DType, _ shape: [Int], constant: Tensor? = nil) throws(MaasError)
  {
    self.buffer = buffer
    self.dtype = dtype
    self.shape = shape
    self.constant = constant
    _ = try byteCountChecked(shape, dtype)
    count = elementCount(shape) ?? 0
  }

  package var byteCount: Int { MaasCore.byteCount(count, dtype) ?? 0 }
  package var rank: Int { shape.count }
}

private func byteCountChecked(_ shape: [Int], _ dtype: DType) throws(MaasError) -> Int {
  try byteCount(shape, dtype)
}

/// One step before its operands have addresses.
package struct StepTemplate: Sendable {
  package let run: maas_step_run
  /// Nil: an operand that was left out; the step sees NULL.
  package let operands: [BufferID?]
  /// The bytes of the operator's parameter struct.
  package let params: [UInt8]
  package let items: Int
  package let grain: Int
  package let scratch: Int
  package let dtype: DType
  /// The kernel's name, for profiles and explanations.
  package let kernel: String
  /// Where it is not 0, of so many items in a row one may wait for earlier ones.
  package fileprivate(set) var sequence = 0
  /// What `params` point to, when they do.
  fileprivate var owner: (any Sendable & AnyObject)?

  package init(
    run: maas_step_run, operands: [BufferID?], params: [UInt8], items: Int, grain: Int, scratch: Int,
    dtype: DType,
    kernel: String
  ) {
    self.kernel = kernel
    self.run = run
    self.operands = operands
    self.params = params
    self.items = items
    self.grain = grain
    self.scratch = scratch
    self.dtype = dtype
  }
}

/// A request for bytes derived from a constant, such as packed weights: made once per model and shared. Those of a
/// constant of the graph may come from a compiled model's file: they are numbers to kernels, never addresses or
/// indices.
package struct PackRequest {
  package let source: Tensor
  /// Tells layouts of the same source apart; contains everything the bytes depend on besides the source.
  package let layout: String
  package let byteCount: Int
  /// The step that fills operand 0 from operand 1, the source; run once, on all threads.
  package let step: StepTemplate

  package init(source: Tensor, layout: String, byteCount: Int, step: StepTemplate) {
    (self.source, self.layout, self.byteCount, self.step) = (source, layout, byteCount, step)
  }
}

/// What a constant of a graph was packed into.
package struct Packing: Sendable {
  /// Counted through the graph and the bodies in it.
  package let constant: Int
  package let name: String
  /// What tells it from others that the constant may be packed into. Begins with the family of kernels that read it.
  package let layout: String
  package let bytes: TensorStorage

  package init(constant: Int, name: String, layout: String, bytes: TensorStorage) {
    (self.constant, self.name, self.layout, self.bytes) = (constant, name, layout, bytes)
  }
}

/// Memory that a node wants besides its inputs and outputs; buffers are numbered in the order of the requests.
package enum BufferRequest {
  /// Alive while the node's steps run.
  case temporary(byteCount: Int)
  case constant(Tensor)
  case pack(PackRequest)

  package var byteCount: Int {
    switch self {
    case .temporary(let bytes): bytes
    case .constant(let tensor): tensor.byteCount
    case .pack(let pack): pack.byteCount
    }
  }
}

/// What an operator sees while it turns itself into steps for concrete shapes.
package struct Lowering {
  /// Nil for an optional input that was left out.
  package private(set) var inputs: [Operand?]
  /// What `infer` said; nil for an output the node does not have.
  package private(set) var outputs: [Operand?]
  /// Whether somebody reads the output, or the run gives it.
  package let wanted: [Bool]
  /// Bytes of all constants of the model: where they are more than caches hold, each run reads them from memory.
  package let weightBytes: Int

  package private(set) var steps: [StepTemplate] = []
  package private(set) var buffers: [BufferRequest] = []
  package private(set) var aliases: [(output: Int, input: Int)] = []
  package private(set) var reusable: [(output: Int, input: Int)] = []
  private let firstBuffer: Int

  /// `nextBuffer` is the number that the first requested buffer gets.
  package init(
    inputs: [Operand?], outputs: [Operand?], wanted: [Bool], nextBuffer: Int, weightBytes: Int = 0
  ) {
    self.inputs = inputs
    self.outputs = outputs
    self.wanted = wanted
    self.weightBytes = weightBytes
    firstBuffer = nextBuffer
  }

  private mutating func request(_ request: BufferRequest) -> BufferID {
    buffers.append(request)
    return BufferID(firstBuffer + buffers.count - 1)
  }

  private var nextBuffer: BufferID { BufferID(firstBuffer + buffers.count) }

  package func input(_ i: Int) throws(MaasError) -> Operand {
    guard let operand = inputs[at: i] ?? nil else { throw MaasError(.invalidModel, "input \(i) is missing") }
    return operand
  }

  package func optionalInput(_ i: Int) -> Operand? { inputs[at: i] ?? nil }

  package func output(_ i: Int = 0) throws(MaasError) -> Operand {
    guard let operand = outputs[at: i] ?? nil else {
      throw MaasError(.invalidModel, "output \(i) is missing")
    }
    return operand
  }

  package func optionalOutput(_ i: Int) -> Operand? { outputs[at: i] ?? nil }

  /// Adds a step over `items` work items, split over threads in chunks of `grain`.
  ///
  /// `params` is the trivial struct the step function expects; operands arrive in this order. Steps of nothing
  /// (no items) are left out. `kernel` names what does the work in profiles.
  package mutating func emit<Params: BitwiseCopyable>(
    _ run: maas_step_run, _ operands: [Operand?], _ params: Params, dtype: DType = .float, items: Int = 1,
    grain: Int = .max, scratch: Int = 0, kernel: String = "generic"
  ) {
    guard items > 0 else { return }
    steps.append(template(run, operands, params, dtype, items, grain, scratch, kernel))
  }

  /// Of every `sequence` items in a row of the last step, one may wait for earlier ones.
  package mutating func takeInOrder(_ sequence: Int) { steps[steps.count - 1].sequence = sequence }

  /// Keeps the object that the last step's parameters point to for as long as the step is there.
  package mutating func keep(_ owner: any Sendable & AnyObject) { steps[steps.count - 1].owner = owner }

  private func template<Params: BitwiseCopyable>(
    _ run: maas_step_run, _ operands: [Operand?], _ params: Params, _ dtype: DType, _ items: Int,
    _ grain: Int,
    _ scratch: Int, _ kernel: String = "pack"
  ) -> StepTemplate {
    let bytes = withUnsafeBytes(of: params) { [UInt8]($0) }
    return StepTemplate(
      run: run, operands: operands.map { $0?.buffer }, params: bytes, items: items, grain: max(1, grain),
      scratch: scratch, dtype: dtype, kernel: kernel)
  }

  /// Memory between steps of this node, e.g. a repacked activation.
  package mutating func temporary(_ dtype: DType, _ shape: [Int]) throws(MaasError) -> Operand {
    let operand = try Operand(nextBuffer, dtype, shape)
    _ = request(.temporary(byteCount: operand.byteCount))
    return operand
  }

  /// Bytes derived from a constant input, made once per model: `run` fills operand 0 from operand 1, the source,
  /// whatever the source's alignment.
  package mutating func packed<Params: BitwiseCopyable>(
    _ source: Operand, layout: String, byteCount: Int, _ run: maas_step_run, _ params: Params, items: Int = 1,
    grain: Int = .max
  ) throws(MaasError) -> Operand {
    guard let constant = source.constant else {
      throw MaasError(.internal, "only constants can be packed ahead of time")
    }
    let target = try Operand(nextBuffer, .uint8, [byteCount])
    let step = template(run, [target, source], params, source.dtype, items, grain, 0)
    _ = request(.pack(PackRequest(source: constant, layout: layout, byteCount: byteCount, step: step)))
    return target
  }

  /// A constant of this node's own making, e.g. a table derived from attributes.
  package mutating func constant(_ tensor: Tensor) throws(MaasError) -> Operand {
    try Operand(request(.constant(tensor)), tensor.dtype, tensor.shape, constant: tensor)
  }

  /// Lets `body` lower the node for other operands. What it says of aliases holds for the node's own; nothing of
  /// theirs is written over.
  package mutating func substituting(
    _ inputs: [Operand?], _ outputs: [Operand?],
    _ body: (inout Lowering) throws(MaasError) -> Void
  ) throws(MaasError) {
    let own = (self.inputs, self.outputs, reusable)
    (self.inputs, self.outputs) = (inputs, outputs)
    try body(&self)
    (self.inputs, self.outputs, reusable) = own
  }

  /// Output `o` is input `i` under another shape: no step, no copy.
  package mutating func alias(output o: Int = 0, input i: Int = 0) { aliases.append((o, i)) }

  /// Output `o` may be written over input `i` when nobody reads that input afterwards: every step of this node reads
  /// an element of `i` no later than it writes the same element of `o`, on the same thread.
  package mutating func mayReuse(output o: Int = 0, input i: Int) { reusable.append((o, i)) }

  /// `float[1, 8] float[8, 4] -> float[1, 4]`
  package var shapesText: String {
    func text(_ operands: [Operand?]) -> String {
      joined(operands.compactMap { $0.map { "\($0.dtype.name)\(describe($0.shape))" } }, " ")
    }
    return "\(text(inputs)) -> \(text(outputs))"
  }
}
