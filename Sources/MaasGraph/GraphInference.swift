import MaasCore

extension Graph {
  /// Infers element type and shape of every value from the declared inputs, and writes down what the model does not
  /// declare itself. Dimensions nobody can name become symbols of their own.
  ///
  /// Throws what an operator finds wrong with its inputs, naming the node.
  package mutating func inferValues() throws(MaasError) {
    let symbols = SymbolSource()
    for (i, fact) in try inferredFacts({ _ in symbols.next() }).enumerated() {
      guard let fact else { continue }
      if values[i].dtype == nil {
        values[i].dtype = fact.dtype
        values[i].container = fact.container
      }
      values[i].shape = values[i].shape ?? fact.shape
    }
  }

  /// What follows for every value from the declared inputs alone. `makeSymbol` names the dimensions nobody can name,
  /// after the value that has them.
  package func inferredFacts(_ makeSymbol: @escaping (String) -> Dim) throws(MaasError) -> [Fact?] {
    var facts: [Fact?] = []
    for id in inputs {
      let value = self[id]
      facts.append(value.dtype.map { Fact($0, value.shape, container: value.container) })
    }
    var inference = GraphInference(makeSymbol: makeSymbol)
    return try inference.facts(of: self, inputs: facts)
  }
}

/// Follows facts through graphs and the bodies inside them.
struct GraphInference {
  let makeSymbol: (String) -> Dim

  mutating func facts(of graph: Graph, inputs: [Fact?]) throws(MaasError) -> [Fact?] {
    var facts = graph.values.map { $0.constant.map { Fact(constant: $0) } }
    for (id, fact) in zip(graph.inputs, inputs) { facts[id.index] = fact }
    for node in graph.nodes {
      let known = node.inputs.map { $0.flatMap { facts[$0.index] } }
      // An input of unknown type leaves everything behind it unknown too.
      let complete = zip(node.inputs, known).allSatisfy { $0 == nil || $1 != nil }
      guard complete else { continue }
      let outputs = try inNode(node.name, node.op.name) { () throws(MaasError) in
        node.op.selectsBody ? try bodyFacts(node, known) : try operatorFacts(node, known, graph)
      }
      for case (.some(let id), let fact) in zip(node.outputs, outputs) {
        facts[id.index] = try inNode(node.name, node.op.name) { () throws(MaasError) in
          try checked(fact, graph[id])
        }
      }
    }
    return facts
  }

  private func operatorFacts(_ node: Node, _ inputs: [Fact?], _ graph: Graph) throws(MaasError) -> [Fact?] {
    var inference = Inference(
      inputs: inputs, outputNames: node.outputs.map { $0.map { graph[$0].name } },
      makeSymbol: makeSymbol)
    try node.op.infer(&inference)
    return inference.outputs
  }

  /// What a value has of all its bodies: a dimension on which they differ is unknown.
  ///
  /// Where the condition is known, the other body says nothing. A body that refuses its inputs is one that is not taken
  /// for them: it says nothing either, unless all refuse.
  private mutating func bodyFacts(_ node: Node, _ inputs: [Fact?]) throws(MaasError) -> [Fact?] {
    var first = 1
    var merged: [Fact?]?
    var refusal: MaasError?
    let condition = (inputs.first ?? nil)?.dims?.first?.value
    for (i, body) in node.op.bodies.enumerated() {
      let captured = Array(inputs.dropFirst(first).prefix(body.captureCount))
      first += body.captureCount
      if let condition, (condition != 0) != (i == 0) { continue }
      do throws(MaasError) {
        let inside = try facts(of: body, inputs: captured)
        let outputs = body.outputs.map { inside[$0.index] }
        merged = merged.map { zip($0, outputs).map { common($0, $1) } } ?? outputs
      } catch {
        refusal = error
      }
    }
    if merged == nil, let refusal { throw refusal }
    return merged ?? []
  }

  private func common(_ a: Fact?, _ b: Fact?) -> Fact? {
    guard let a, let b, a.dtype == b.dtype, a.container == b.container else { return nil }
    guard let x = a.shape, let y = b.shape, x.rank == y.rank else {
      return Fact(a.dtype, nil, container: a.container)
    }
    let dims = zip(x.dims, y.dims).map { $0 == $1 ? $0 : makeSymbol("") }
    return Fact(a.dtype, Shape(dims), container: a.container)
  }

  private func checked(_ fact: Fact?, _ value: Value) throws(MaasError) -> Fact? {
    guard let fact else { return nil }
    try fact.shape?.check(fact.dtype, tensor: value.name)
    guard let dtype = value.dtype else { return fact }
    if dtype == fact.dtype, value.container == fact.container { return fact }
    // A declared type may leave out that there may be nothing: it then says what is there if anything is.
    if dtype == fact.dtype, fact.container == .optional(of: value.container) { return fact }
    let declared = Fact(dtype, nil, container: value.container)
    throw MaasError(
      .typeMismatch, "the model declares another type than its node makes", tensor: value.name,
      expected: declared.typeText, found: fact.typeText)
  }
}

/// Numbers for dimensions without a name.
private final class SymbolSource {
  private var count = 0

  func next() -> Dim {
    count += 1
    return .symbol("\(madeUpName)\(count)")
  }
}

/// How the names begin that inference gives to dimensions.
package let madeUpName = "unknown_"
