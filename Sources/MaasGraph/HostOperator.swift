import CMaasSystem
import MaasCore

/// An operator that runs as Swift code between two plans: what its outputs are depends on data, they are no plain
/// tensors, or it runs graphs of its own.
package protocol HostOperator: Operator {
  /// Computes the outputs. Inputs are only read and may be gone after the call; an input may be given back as it is.
  /// The elements of outputs that are left out are not looked at.
  func run(_ call: HostCall) throws(MaasError) -> [Datum?]
  /// As `run`, with a call that is not needed afterwards: what nobody else holds may be changed in place.
  func run(usingUp call: inout HostCall) throws(MaasError) -> [Datum?]
  /// Whether results hold no memory of the run's, apart from what is in containers among the inputs.
  var ownsResults: Bool { get }
}

extension HostOperator {
  package var host: (any HostOperator)? { self }
  package var ownsResults: Bool { false }

  package func run(usingUp call: inout HostCall) throws(MaasError) -> [Datum?] { try run(call) }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    throw MaasError(.internal, "the operator cannot be part of a plan")
  }
}

/// Runs all items of a step and says its status; details are left in the worker.
package typealias StepExecutor = (UnsafePointer<maas_step>, inout maas_worker) -> Int32

/// What a host operator is given.
package struct HostCall {
  /// Nil for an optional input that was left out; without the captures of bodies.
  package var inputs: [Datum?]
  /// Whether somebody reads the output, or the run gives it.
  package let wanted: [Bool]
  /// What `infer` said of the outputs.
  package let facts: [Fact?]
  /// One for each of the operator's bodies.
  package let bodies: [any BodyRunner]
  private let worker: maas_worker
  private let execute: StepExecutor

  package init(
    inputs: [Datum?], wanted: [Bool], facts: [Fact?] = [], bodies: [any BodyRunner] = [],
    worker: maas_worker = maas_worker(),
    execute: @escaping StepExecutor = { step, worker in step.pointee.run(step, 0, step.pointee.items, &worker)
    }
  ) {
    self.inputs = inputs
    (self.worker, self.execute) = (worker, execute)
    self.wanted = wanted
    self.facts = facts
    self.bodies = bodies
  }

  package var isStopped: Bool { worker.interruption != nil }

  /// Ends the operator when the run is cancelled or late: for loops of more than some milliseconds.
  package func checkInterruption() throws(MaasError) {
    if let error = worker.interruption { throw error }
  }

  /// Runs a step, as in a plan, on the threads of the run, which ends it when it is cancelled or late.
  package func run<Params: BitwiseCopyable>(
    _ run: maas_step_run, _ operands: [UnsafeMutableRawPointer?], _ params: Params, dtype: DType = .float,
    items: Int, grain: Int
  ) throws(MaasError) {
    guard items > 0 else { return }
    var own = worker
    let status = operands.withUnsafeBufferPointer { operands in
      withUnsafeBytes(of: params) { params in
        var step = maas_step(
          run: run, operands: operands.baseAddress, params: params.baseAddress, items: Int64(items),
          grain: Int64(grain), scratch: 0, node: 0, dtype: dtype.rawValue, sequence: 0)
        return execute(&step, &own)
      }
    }
    if status == Int32(MAAS_STEP_STOPPED) { throw worker.interruption ?? .cancelledRun }
    try checkInterruption()
    if let error = stepError(status, own) { throw error }
  }

  package func has(_ i: Int) -> Bool { (inputs[at: i] ?? nil) != nil }

  package func input(_ i: Int) throws(MaasError) -> Datum {
    guard let input = inputs[at: i] ?? nil else { throw MaasError(.invalidModel, "input \(i) is missing") }
    return input
  }

  package func tensor(_ i: Int) throws(MaasError) -> Tensor {
    let input = try input(i)
    guard let tensor = input.tensor else { throw mismatch(i, "tensor", input) }
    return tensor
  }

  package func optionalTensor(_ i: Int) throws(MaasError) -> Tensor? { has(i) ? try tensor(i) : nil }

  package func sequence(_ i: Int) throws(MaasError) -> [Datum] {
    let input = try input(i)
    guard case .sequence(let elements) = input else { throw mismatch(i, "sequence", input) }
    return elements
  }

  /// The elements of a sequence, which is no longer an input: they can be changed without a copy if nobody else holds
  /// them.
  package mutating func takeSequence(_ i: Int) throws(MaasError) -> [Datum] {
    let elements = try sequence(i)
    inputs[i] = nil
    return elements
  }

  /// The elements of an integer tensor.
  package func integers(_ i: Int) throws(MaasError) -> [Int] {
    let tensor = try tensor(i)
    if let integers = tensor.integers { return integers }
    throw MaasError(.typeMismatch, "input \(i) must hold integers", found: tensor.dtype.name)
  }

  /// The only element of an integer tensor.
  package func integer(_ i: Int) throws(MaasError) -> Int {
    let integers = try integers(i)
    guard integers.count == 1 else {
      throw MaasError(
        .shapeMismatch, "input \(i) must have one element", found: "\(integers.count) elements")
    }
    return integers[0]
  }

  private func mismatch(_ i: Int, _ expected: String, _ found: Datum) -> MaasError {
    MaasError(.typeMismatch, "input \(i) is of the wrong kind", expected: expected, found: found.kind)
  }
}

/// A body of a host operator, ready to be run again and again. Plans are made at the first run of a shape.
package protocol BodyRunner: AnyObject {
  /// Runs the body once on `inputs`, followed by what the body captures, and writes its outputs to `results`. Inputs
  /// that are no tensors are used up: empty sequences are left in their place.
  ///
  /// A tensor of results is written over by a later run once nobody else holds a reference to it; where shapes stay
  /// the same, a run then allocates nothing.
  func run(_ inputs: inout [Datum], _ results: inout [Datum]) throws(MaasError)
}
