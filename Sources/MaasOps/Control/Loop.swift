import CMaasSystem
import MaasCore
import MaasGraph

/// Runs its body again and again: at most `M` times, while the condition holds.
///
/// Inputs are M, the condition, the values carried from one iteration to the next, the captures of the body.
package final class Loop: ReadableOperator, HostOperator {
  package let name = "Loop"
  let body: Graph
  let carriedCount: Int
  /// Where the body's outputs begin that a gradient reads.
  let firstKept: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    body = try reader.graph("body")
    try reader.finish()
    (carriedCount, firstKept) = (max(0, reader.inputCount - 2), .max)
    try expect(body.inputs.count - body.captureCount, carriedCount + 2, "inputs")
    if reader.outputCount > body.outputs.count - 1 {
      try expect(body.outputs.count, reader.outputCount + 1, "outputs")
    }
    if body.outputs.count < carriedCount + 1 { try expect(body.outputs.count, carriedCount + 1, "outputs") }
  }

  private func expect(_ found: Int, _ expected: Int, _ what: String) throws(MaasError) {
    guard found != expected else { return }
    throw MaasError(
      .invalidModel, "the body '\(body.name)' has the wrong number of \(what)", expected: "\(expected)",
      found: "\(found)")
  }

  package convenience init(_ loop: Loop, _ body: Graph) { self.init(loop, body, firstKept: loop.firstKept) }

  init(_ loop: Loop, _ body: Graph, firstKept: Int) {
    (self.body, carriedCount, self.firstKept) = (body, loop.carriedCount, firstKept)
  }

  package var bodies: [Graph] { [body] }

  package func infer(_ node: inout Inference) throws(MaasError) {
    if node.has(0) { try node.expectDType(0, [.int64]) }
    if node.has(1) { try node.expectDType(1, [.bool]) }
    let results = try node.bodyOutputs(body, bodyInputs(node))
    for i in 0..<carriedCount {
      // Shapes may change from one iteration to the next.
      guard var fact = node.inputs[at: i + 2] ?? nil else { continue }
      fact.shape = nil
      fact.constant = nil
      fact.dims = nil
      node.setOutput(i, fact)
    }
    for i in carriedCount..<max(node.outputCount, carriedCount) {
      guard let fact = results[at: i + 1] ?? nil else { continue }
      node.setOutput(i, fact.dtype, fact.shape.map { [node.unknownDim()] + $0.dims })
    }
  }

  private func bodyInputs(_ node: Inference) -> [Fact?] {
    var facts: [Fact?] = [Fact(.int64, Shape([] as [Int])), Fact(.bool, Shape([] as [Int]))]
    for fact in node.inputs.dropFirst(2).prefix(carriedCount) {
      facts.append(fact.map { Fact($0.dtype, nil, container: $0.container) })
    }
    return facts + node.inputs.dropFirst(2 + carriedCount)
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    guard let runner = call.bodies.first else { throw MaasError(.internal, "the body is missing") }
    let limit = call.has(0) ? try call.integer(0) : Int.max
    var goesOn = call.has(1) ? try flag(call.input(1), "the condition") : true
    let iteration = try Tensor(.int64, [], [Int64(0)])
    var inputs: [Datum] = [.tensor(iteration), .tensor(try Tensor(.bool, [], [UInt8(goesOn ? 1 : 0)]))]
    for i in 0..<carriedCount { inputs.append(try call.input(i + 2)) }
    var stacks = (carriedCount + 1..<max(body.outputs.count, carriedCount + 1)).map { _ in
      Stack(limit: limit)
    }
    var results: [Datum] = []
    var i = 0
    while goesOn, i < limit {
      iteration.bytes.storeBytes(of: Int64(i), as: Int64.self)
      try runner.run(&inputs, &results)
      goesOn = try flag(results[0], "the condition that the body gives")
      for j in 0..<carriedCount + 1 { swap(&inputs[j + 1], &results[j]) }
      for j in stacks.indices { try put(results[carriedCount + 1 + j], on: &stacks[j], j) }
      i += 1
    }
    return try inputs[2...].map { $0 } + stacked(stacks)
  }

  private func put(_ result: Datum, on stack: inout Stack, _ i: Int) throws(MaasError) {
    #if hasFeature(Embedded)
      try stack.append(scanned(result))
    #else
      do { try stack.append(scanned(result)) } catch { throw explained(error, carriedCount + 1 + i) }
    #endif
  }

  private func scanned(_ result: Datum) throws(MaasError) -> Tensor {
    if let tensor = result.tensor { return tensor }
    throw MaasError(.typeMismatch, "a scan output must be a tensor", found: "a \(result.kind)")
  }

  private func stacked(_ stacks: [Stack]) throws(MaasError) -> [Datum?] {
    var outputs: [Datum?] = []
    for (i, stack) in stacks.enumerated() {
      let value = body[body.outputs[carriedCount + 1 + i]]
      let declared = value.dtype.map { Fact($0, value.shape) }
      outputs.append(.tensor(try stack.tensor(empty: declared)))
    }
    return outputs
  }
}
