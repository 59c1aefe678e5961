import MaasCore
import MaasGraph

/// What an index into a sequence means: negative ones count from the end.
private func position(_ index: Int, _ limit: Int, of count: Int) throws(MaasError) -> Int {
  guard index >= -count, index < limit else {
    throw MaasError(
      .outOfRange, "the position is outside the sequence", expected: span(-count, limit),
      found: "\(index)")
  }
  return index < 0 ? index + count : index
}

extension Inference {
  /// An input that must be a sequence: what is known of it, and how its elements are wrapped.
  func sequence(_ i: Int) throws(MaasError) -> (fact: Fact, element: Container?) {
    let fact = try anyInput(i)
    if case .sequence(let element) = fact.container { return (fact, element) }
    throw MaasError(
      .typeMismatch, "input \(i) is of the wrong kind", expected: "a sequence", found: fact.typeText)
  }

  func expectPosition(_ i: Int) throws(MaasError) {
    if has(i) { try expectDType(i, [.int32, .int64]) }
  }
}

/// A sequence of the inputs, which must have one element type.
package final class SequenceConstruct: ReadableOperator, HostOperator {
  package let name = "SequenceConstruct"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...Int.max)
    try node.expectSameDTypes(0..<node.inputs.count)
    node.setOutput(0, Fact(try node.dtype(0), nil, container: .sequence(of: nil)))
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    [.sequence(call.inputs.compactMap { $0 })]
  }
}

/// A sequence of no tensors.
package final class SequenceEmpty: ReadableOperator, HostOperator {
  package let name = "SequenceEmpty"
  private let dtype: DType

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    dtype = try reader.dtype("dtype") ?? .float
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, Fact(dtype, nil, container: .sequence(of: nil)))
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] { [.sequence([])] }
}

/// The first input, a sequence, changed: in place where nobody else holds it, as when a loop carries it.
package protocol SequenceChange: HostOperator {
  func change(_ elements: inout [Datum], _ call: HostCall) throws(MaasError)
}

extension SequenceChange {
  package var ownsResults: Bool { true }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    var call = call
    return try run(usingUp: &call)
  }

  package func run(usingUp call: inout HostCall) throws(MaasError) -> [Datum?] {
    var elements = try call.takeSequence(0)
    try change(&elements, call)
    return [.sequence(elements)]
  }
}

/// The sequence with a tensor put in at a position, or at the end.
package final class SequenceInsert: ReadableOperator, SequenceChange {
  package let name = "SequenceInsert"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    let (sequence, _) = try node.sequence(0)
    let dtype = try node.dtype(1)
    if dtype != sequence.dtype {
      throw MaasError(
        .typeMismatch, "the tensor is of another element type than the sequence",
        expected: sequence.dtype.name, found: dtype.name)
    }
    try node.expectPosition(2)
    node.setOutput(0, Fact(dtype, nil, container: sequence.container))
  }

  package func change(_ elements: inout [Datum], _ call: HostCall) throws(MaasError) {
    let count = elements.count
    let at = call.has(2) ? try position(call.integer(2), count + 1, of: count) : count
    elements.insert(try call.input(1).owned(), at: at)
  }
}

/// The sequence without the tensor at a position, or without the last.
package final class SequenceErase: ReadableOperator, SequenceChange {
  package let name = "SequenceErase"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...2)
    try node.expectPosition(1)
    node.setOutput(0, try node.sequence(0).fact)
  }

  package func change(_ elements: inout [Datum], _ call: HostCall) throws(MaasError) {
    let at = try position(call.has(1) ? call.integer(1) : -1, elements.count, of: elements.count)
    elements.remove(at: at)
  }
}

/// The tensor at a position.
package final class SequenceAt: ReadableOperator, HostOperator {
  package let name = "SequenceAt"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectPosition(1)
    let (fact, element) = try node.sequence(0)
    node.setOutput(0, Fact(fact.dtype, nil, container: element))
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let elements = try call.sequence(0)
    return [elements[try position(call.integer(1), elements.count, of: elements.count)]]
  }
}

/// How many tensors the sequence has.
package final class SequenceLength: ReadableOperator, HostOperator {
  package let name = "SequenceLength"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    _ = try node.sequence(0)
    node.setOutput(0, .int64, [])
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    [.tensor(try Tensor(.int64, [], [Int64(call.sequence(0).count)]))]
  }
}
