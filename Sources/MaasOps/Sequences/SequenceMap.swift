import MaasCore
import MaasGraph

/// Runs its body once for each element of the first input, a sequence, and of those further inputs that are sequences;
/// other inputs stay the same. Every output of the body becomes a sequence.
package final class SequenceMap: ReadableOperator, HostOperator {
  package let name = "SequenceMap"
  private let body: Graph

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    body = try reader.graph("body")
    try reader.finish()
    let own = body.inputs.count - body.captureCount
    guard own == reader.inputCount, body.outputs.count >= reader.outputCount else {
      throw MaasError(
        .invalidModel, "the body '\(body.name)' does not fit the node",
        expected: "\(reader.inputCount) inputs and \(reader.outputCount) outputs",
        found: "\(own) and \(body.outputs.count)")
    }
  }

  package var bodies: [Graph] { [body] }

  package func infer(_ node: inout Inference) throws(MaasError) {
    _ = try node.sequence(0)
    let own = node.inputs.count - body.captureCount
    let facts = node.inputs.enumerated().map { i, fact in
      guard i < own, let fact, case .sequence(let element) = fact.container else { return fact }
      return Fact(fact.dtype, nil, container: element)
    }
    for (i, fact) in try node.bodyOutputs(body, facts).enumerated() {
      guard let fact else { continue }
      node.setOutput(i, Fact(fact.dtype, nil, container: .sequence(of: fact.container)))
    }
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    guard let runner = call.bodies.first else { throw MaasError(.internal, "the body is missing") }
    let count = try call.sequence(0).count
    var outputs: [[Datum]] = body.outputs.map { _ in [] }
    var results: [Datum] = []
    for k in 0..<count {
      var inputs: [Datum] = []
      for i in call.inputs.indices { inputs.append(try element(k, of: call.input(i), count)) }
      try runner.run(&inputs, &results)
      for i in outputs.indices { outputs[i].append(results[i]) }
    }
    return outputs.map { .sequence($0) }
  }

  private func element(_ k: Int, of input: Datum, _ count: Int) throws(MaasError) -> Datum {
    guard case .sequence(let elements) = input else { return input }
    guard elements.count == count else {
      throw MaasError(
        .shapeMismatch, "the sequences differ in length", expected: "\(count)", found: "\(elements.count)")
    }
    return elements[k]
  }
}
