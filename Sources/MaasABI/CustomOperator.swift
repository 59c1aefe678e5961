import CMaas
import CMaasABI
import CMaasSystem
import MaasCore
import MaasGraph

/// An operator of the caller's: a step of the plan where its shapes are known, else a host operator.
final class CustomOperator: HostOperator {
  let definition: CustomDefinition
  private let attributes: [NodeAttribute]

  init(_ definition: CustomDefinition, _ reader: inout AttributeReader) throws(MaasError) {
    self.definition = definition
    var attributes: [NodeAttribute] = []
    for attribute in reader.all() { attributes.append(try NodeAttribute(attribute)) }
    self.attributes = attributes
  }

  var name: String { definition.name }
  /// What the caller's code gives may change from run to run.
  var isRandom: Bool { true }

  func host(_ inputs: [DType?], _ outputs: [Fact?]) -> (any HostOperator)? {
    for case .some(let output) in outputs where !output.hasPlace { return self }
    return nil
  }

  func attribute(_ name: UnsafePointer<CChar>) -> NodeAttribute? {
    for attribute in attributes where maas_abi_equal(attribute.name.pointer, name) { return attribute }
    return nil
  }

  func infer(_ inference: inout Inference) throws(MaasError) {
    for i in inference.inputs.indices where inference.has(i) { _ = try inference.input(i) }
    let node = try NodeHandle(self, inference.inputs, outputCount: inference.outputCount)
    try node.call(definition.shape)
    for i in 0..<inference.outputCount where inference.wantsOutput(i) {
      guard let fact = node.results[i] else { throw leavesOut(i, "shape") }
      let dims = fact.shape?.dims.map { $0 == NodeHandle.unknown ? inference.unknownDim() : $0 }
      inference.setOutput(i, fact.dtype, dims)
    }
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let site = CustomSite(self, facts(node.inputs), facts(node.outputs), wanted: node.wanted)
    node.emit(
      { step, _, _, worker in CustomSite.run(step, worker) }, node.inputs + node.outputs,
      Int(bitPattern: Unmanaged.passUnretained(site).toOpaque()), kernel: "custom")
    node.keep(site)
  }

  func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    var inputs: [Fact?] = []
    for i in call.inputs.indices {
      inputs.append(nil)
      if let tensor = try call.optionalTensor(i) { inputs[i] = Fact(constant: tensor) }
    }
    let node = try NodeHandle(self, inputs, results: call.facts)
    for i in call.facts.indices {
      if let fact = call.facts[i], fact.hasPlace { node.outputs[i] = TensorHandle(try fact.tensor(at: nil)) }
    }
    try node.compute(call.wanted)
    var results: [Datum?] = []
    for output in node.outputs {
      results.append(nil)
      if let output { results[results.count - 1] = .tensor(output.tensor) }
    }
    return results
  }

  func leavesOut(_ i: Int, _ callback: String) -> MaasError {
    MaasError(.invalidArgument, "the operator's \(callback) callback leaves out output \(i)")
  }
}

private func facts(_ operands: [Operand?]) -> [Fact?] {
  var facts: [Fact?] = []
  for operand in operands {
    facts.append(nil)
    if let operand { facts[facts.count - 1] = Fact(operand.dtype, Shape(operand.shape)) }
  }
  return facts
}

extension Fact {
  /// Whether the plan can have memory ready for the value.
  var hasPlace: Bool {
    guard dtype != .string, let dims = shape?.dims else { return false }
    for dim in dims where dim.value == nil { return false }
    return true
  }

  /// A tensor of a concrete shape over memory of the plan, or with memory of its own.
  func tensor(at address: UnsafeMutableRawPointer?) throws(MaasError) -> Tensor {
    let sizes = shape?.concrete ?? []
    guard let address else { return try Tensor(dtype, sizes) }
    return try Tensor(dtype, sizes, storage: .borrow(address, byteCount(sizes, dtype)))
  }
}

/// A node in one plan. Every run takes a handle of the node for itself, with the tensors of an earlier run as long as
/// addresses stay the same.
final class CustomSite: @unchecked Sendable {
  private let op: CustomOperator
  private let inputs: [Fact?]
  private let outputs: [Fact?]
  private let wanted: [Bool]
  private let lock = Lock()
  private var idle: [NodeHandle] = []

  init(_ op: CustomOperator, _ inputs: [Fact?], _ outputs: [Fact?], wanted: [Bool]) {
    self.op = op
    self.inputs = inputs
    self.outputs = outputs
    self.wanted = wanted
  }

  /// A `maas_step_run`: the step's parameters are the address of the site.
  static func run(_ step: UnsafePointer<maas_step>?, _ worker: UnsafeMutablePointer<maas_worker>?) -> Int32 {
    guard let step, let worker, let address = step.pointee.params?.load(as: UnsafeRawPointer.self),
      let operands = step.pointee.operands
    else { return Int32(MAAS_STEP_OK) }
    do throws(MaasError) {
      try Unmanaged<CustomSite>.fromOpaque(address).takeUnretainedValue().run(operands)
      return Int32(MAAS_STEP_OK)
    } catch {
      return StepFailure.leave(error, worker)
    }
  }

  private func run(_ operands: UnsafePointer<UnsafeMutableRawPointer?>) throws(MaasError) {
    let node: NodeHandle
    if let rested = lock.holding({ idle.popLast() }) {
      node = rested
    } else {
      node = try NodeHandle(op, inputs, results: outputs)
    }
    defer { lock.holding { idle.append(node) } }
    try Self.bind(&node.inputs, inputs, operands)
    try Self.bind(&node.outputs, outputs, operands + inputs.count)
    try node.compute(wanted)
  }

  private static func bind(
    _ handles: inout [TensorHandle?], _ facts: [Fact?], _ addresses: UnsafePointer<UnsafeMutableRawPointer?>
  ) throws(MaasError) {
    for i in handles.indices {
      guard let fact = facts[i] else { continue }
      if let known = handles[i], known.tensor.bytes == addresses[i] ?? known.tensor.bytes { continue }
      handles[i] = TensorHandle(try fact.tensor(at: addresses[i]))
    }
  }
}
