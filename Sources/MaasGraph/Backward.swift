import MaasCore

/// Reverse-mode differentiation of a graph: what an operator sees while it says the gradients of its inputs.
///
/// Nodes are visited from the end. Each adds nodes that compute the gradient of every input that matters out of the
/// gradients of its outputs; a value that several nodes read gets the sum of what they contribute.
package struct Backward {
  package private(set) var graph: Graph
  /// Adds up any number of tensors of one shape.
  private let sum: any Operator
  /// What has been contributed to the gradient of a value so far.
  private var contributions: [ValueID: [ValueID]] = [:]
  /// Values whose gradient somebody wants: the independent ones and all that depend on them.
  private var dependent: Set<ValueID>
  /// Values that are known to hold no floats.
  private let discrete: Set<ValueID>
  private var node: Node
  /// Which of the graph's nodes that is.
  private var place = 0

  fileprivate init(
    _ graph: Graph, _ node: Node, _ dependent: Set<ValueID>, _ discrete: Set<ValueID>, sum: any Operator
  ) {
    (self.graph, self.node, self.dependent, self.sum) = (graph, node, dependent, sum)
    self.discrete = discrete
  }

  package var inputCount: Int { node.inputs.count }
  package var outputCount: Int { node.outputs.count }

  package func input(_ i: Int) throws(MaasError) -> ValueID {
    guard let id = node.inputs[at: i] ?? nil else { throw MaasError(.invalidModel, "input \(i) is missing") }
    return id
  }

  package func optionalInput(_ i: Int) -> ValueID? { node.inputs[at: i] ?? nil }

  package func output(_ i: Int = 0) throws(MaasError) -> ValueID {
    guard let id = node.outputs[at: i] ?? nil else {
      throw MaasError(.invalidModel, "output \(i) is missing")
    }
    return id
  }

  /// Whether the gradient of input `i` matters.
  package func wants(_ i: Int) -> Bool {
    guard let id = node.inputs[at: i] ?? nil else { return false }
    return dependent.contains(id)
  }

  /// Whether input `i` is known to hold no floats.
  package func isDiscrete(_ i: Int) -> Bool { (node.inputs[at: i] ?? nil).map(discrete.contains) ?? true }

  /// The gradient of an output, which must be the only one that matters.
  package mutating func gradient() throws(MaasError) -> ValueID {
    for (i, id) in node.outputs.enumerated() where i > 0 {
      if let id, contributions[id] != nil {
        throw MaasError(.unsupported, "there is no gradient of output \(i)")
      }
    }
    guard let gradient = total(try output()) else { throw MaasError(.internal, "no gradient to pass on") }
    return gradient
  }

  /// The gradient of output `i`; nil where it does not matter.
  package mutating func gradient(of i: Int) -> ValueID? {
    guard let id = node.outputs[at: i] ?? nil else { return nil }
    return total(id)
  }

  /// Output `i`, which the node now gives even if nobody asked for it before.
  package mutating func output(making i: Int) -> ValueID {
    if let id = node.outputs[at: i] ?? nil { return id }
    while node.outputs.count <= i { node.outputs.append(nil) }
    let id = graph.add(Value("\(node.name)/\(i)"))
    node.outputs[i] = id
    graph.nodes[place] = node
    return id
  }

  /// Puts an operator in the place of the node's own that gives the same outputs, and others behind them.
  package mutating func replaceOperator(by op: any Operator) {
    node = Node(node.name, op, node.inputs, node.outputs)
    graph.nodes[place] = node
  }

  /// Adds a node of one output.
  package mutating func add(_ op: any Operator, _ inputs: [ValueID?]) -> ValueID {
    graph.add(op, inputs, name: "\(node.name)/gradient/\(op.name)")[0]
  }

  /// Adds a node of several outputs.
  package mutating func add(_ op: any Operator, _ inputs: [ValueID?], outputs: Int) -> [ValueID] {
    graph.add(op, inputs, name: "\(node.name)/gradient/\(op.name)", outputs: outputs)
  }

  /// Says a part of the gradient of input `i`.
  package mutating func contribute(_ gradient: ValueID, to i: Int) throws(MaasError) {
    guard wants(i) else { return }
    contributions[try input(i), default: []].append(gradient)
  }

  /// The whole gradient of a value, once all its readers were visited; nil where it does not matter to the end.
  private mutating func total(_ id: ValueID) -> ValueID? {
    guard let parts = contributions[id], let first = parts.first else { return nil }
    if parts.count == 1 { return first }
    let total = add(sum, parts.map { $0 })
    contributions[id] = [total]
    return total
  }
}

extension Graph {
  /// Adds nodes that compute the gradient of the sum of `y`'s elements with respect to each of `xs`, at the values that
  /// the graph gives to `xs` and `fixed`, which are taken as independent of each other.
  ///
  /// - Parameters:
  ///   - seed: Makes a tensor of ones like its input.
  ///   - sum: Adds up any number of tensors of one shape.
  /// - Returns: The gradients; nil where y does not depend on x.
  package mutating func addGradients(
    of y: ValueID, to xs: [ValueID], fixed: [ValueID] = [], seed: any Operator, sum: any Operator
  ) throws(MaasError) -> [ValueID?] {
    let ones = add(seed, [y], name: "Gradient")[0]
    return try addGradients(of: [y], to: xs, fixed: fixed, seeded: [ones], sum: sum)
  }

  /// The same of the sum of the elements of all ys, each times that of its seed.
  package mutating func addGradients(
    of ys: [ValueID], to xs: [ValueID], fixed: [ValueID] = [], seeded seeds: [ValueID], sum: any Operator
  ) throws(MaasError) -> [ValueID?] {
    let discrete = discreteValues()
    let path = dependents(of: xs, fixed: fixed, upTo: ys, except: discrete)
    var backward = Backward(self, Node("Gradient", sum, [], []), path.values, discrete, sum: sum)
    let gradients = try backward.run(path.nodes, ys, xs, seeds)
    self = backward.graph
    return gradients
  }

  /// The values that are known to hold no floats: no gradient goes through them.
  package func discreteValues() -> Set<ValueID> {
    var count = 0
    let facts = try? inferredFacts { _ in
      count += 1
      return .symbol("?\(count)")
    }
    var result: Set<ValueID> = []
    for (i, fact) in (facts ?? []).enumerated() {
      if let dtype = fact?.dtype, ![.float, .double, .float16, .bfloat16].contains(dtype) {
        result.insert(ValueID(i))
      }
    }
    return result
  }

  /// The nodes between the independent values and `ys`, in order, and the values on the way. What is behind values of
  /// `except` depends on nothing.
  package func dependents(
    of xs: [ValueID], fixed: [ValueID], upTo ys: [ValueID], except: Set<ValueID> = []
  ) -> (nodes: [Int], values: Set<ValueID>) {
    let given = Set(xs).union(fixed).union(except)
    var values = Set(xs)
    var inside = [Bool](repeating: false, count: nodes.count)
    for (i, node) in nodes.enumerated() {
      guard node.inputs.contains(where: { $0.map(values.contains) ?? false }) else { continue }
      inside[i] = true
      for case .some(let output) in node.outputs where !given.contains(output) { values.insert(output) }
    }
    var needed = Set(ys)
    for (i, node) in nodes.enumerated().reversed() where inside[i] {
      let makes = node.outputs.contains { $0.map { needed.contains($0) && !given.contains($0) } ?? false }
      inside[i] = makes
      if makes { for case .some(let input) in node.inputs { needed.insert(input) } }
    }
    return (nodes.indices.filter { inside[$0] }, values.intersection(needed))
  }
}

extension Backward {
  fileprivate mutating func run(
    _ path: [Int], _ ys: [ValueID], _ xs: [ValueID], _ seeds: [ValueID]
  ) throws(MaasError) -> [ValueID?] {
    for (y, seed) in zip(ys, seeds) where dependent.contains(y) {
      contributions[y, default: []].append(seed)
    }
    for i in path.reversed() {
      (node, place) = (graph.nodes[i], i)
      guard node.outputs.contains(where: { $0.map { contributions[$0] != nil } ?? false }) else { continue }
      do { try node.op.gradient(&self) } catch { throw error.inNode(node.name, node.op.name) }
    }
    var gradients: [ValueID?] = []
    for x in xs { gradients.append(total(x)) }
    return gradients
  }
}
