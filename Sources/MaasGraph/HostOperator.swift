import MaasCore

/// An operator that runs as Swift code between two plans: what its outputs are depends on data, they are no plain
/// tensors, or it runs graphs of its own.
package protocol HostOperator: Operator {
  /// Computes the outputs. Inputs are only read and may be gone after the call; an input may be given back as it is.
  /// The elements of outputs that are left out are not looked at.
  func run(_ call: HostCall) throws(MaasError) -> [Datum?]
}

extension HostOperator {
  package var host: (any HostOperator)? { self }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    throw MaasError(.internal, "the operator cannot be part of a plan")
  }
}

/// What a host operator is given.
package struct HostCall {
  /// Nil for an optional input that was left out; without the captures of bodies.
  package let inputs: [Datum?]
  package let wanted: [Bool]
  /// What `infer` said of the outputs.
  package let facts: [Fact?]
  /// One for each of the operator's bodies.
  package let bodies: [any BodyRunner]

  package init(inputs: [Datum?], wanted: [Bool], facts: [Fact?] = [], bodies: [any BodyRunner] = []) {
    self.inputs = inputs
    self.wanted = wanted
    self.facts = facts
    self.bodies = bodies
  }

  package func has(_ i: Int) -> Bool { (inputs[at: i] ?? nil) != nil }
  package func wants(_ i: Int) -> Bool { wanted[at: i] ?? false }

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
  /// Runs the body once on `inputs`, followed by what the body captures, and writes its outputs to `results`.
  ///
  /// A tensor of results is written over by a later run once nobody else holds a reference to it; where shapes stay
  /// the same, a run then allocates nothing.
  func run(_ inputs: [Datum], _ results: inout [Datum]) throws(MaasError)
}
