import MaasCore
import MaasGraph
import MaasOps

extension Graph {
  /// Applies a rule here and in the bodies of nodes, and returns how often it fired.
  mutating func apply(_ rule: Rule, keepsOrigins: Bool) throws(MaasError) -> Int {
    let before = keepsOrigins ? self : nil
    var count = try rule.apply(&self)
    if let before, count > 0 { keepOrigins(before) }
    assert(count == 0 || isConsistent, "the rule \(rule.name) broke the graph")
    try changeBodies { (body, _, _) throws(MaasError) in
      if body.isRefused { return false }
      let inside = try body.apply(rule, keepsOrigins: keepsOrigins)
      count += inside
      return inside > 0
    }
    return count
  }

  /// Takes what follows from the inputs for the shape of every value, whatever the model declares: rules must not be
  /// misled by a file. Of the inputs of a body only those are known that it takes from the graph around it.
  mutating func takeInferredShapes() throws(MaasError) {
    let names = SymbolCount(besides: inputs.flatMap { self[$0].shape?.dims ?? [] })
    try takeInferredShapes(names)
  }

  private mutating func takeInferredShapes(_ names: SymbolCount) throws(MaasError) {
    for (i, fact) in try inferredFacts({ _ in names.next() }).enumerated() {
      guard let fact else { continue }
      if values[i].dtype == nil { values[i].container = fact.container }
      (values[i].dtype, values[i].shape) = (fact.dtype, fact.shape)
    }
    let outer = values
    try changeBodies { (body, node, first) throws(MaasError) in
      body.declared = (body.inputs + body.outputs).map { body[$0] }
      body.forgetShapes()
      for (inner, id) in zip(body.inputs.suffix(body.captureCount), node.inputs[first...]) {
        guard let id else { continue }
        let value = outer[id.index]
        (body[inner].dtype, body[inner].shape) = (value.dtype, value.shape)
        body[inner].container = value.container
      }
      // A body that refuses what it reads may be one that is never run.
      do throws(MaasError) {
        try body.takeInferredShapes(names)
      } catch {
        body.forgetShapes()
        body.isRefused = true
      }
      return true
    }
  }

  /// Says of inputs and outputs of bodies what the model says: their readers know no more, and it is what is written.
  mutating func declareBodies() throws(MaasError) {
    try changeBodies { (body, _, _) throws(MaasError) in
      for (id, value) in zip(body.inputs + body.outputs, body.declared) where body[id].constant == nil {
        (body[id].dtype, body[id].shape) = (value.dtype, value.shape)
      }
      body.declared = []
      try body.declareBodies()
      return true
    }
  }

  private mutating func forgetShapes() {
    for i in values.indices where values[i].constant == nil { values[i].shape = nil }
  }

  /// Offers each body, with the node that has it and the first of the inputs that it takes; those that `change` says
  /// are others now come into the node.
  private mutating func changeBodies(
    _ change: (inout Graph, _ node: Node, _ first: Int) throws(MaasError) -> Bool
  ) throws(MaasError) {
    for i in nodes.indices {
      var bodies = nodes[i].op.bodies
      if bodies.isEmpty { continue }
      guard nodes[i].op.with(bodies) != nil else { continue }
      var first = nodes[i].inputs.count - bodies.reduce(0) { $0 + $1.captureCount }
      var isChanged = false
      for j in bodies.indices {
        if try change(&bodies[j], nodes[i], first) { isChanged = true }
        first += bodies[j].captureCount
      }
      if isChanged, let op = nodes[i].op.with(bodies) { replaceOperator(i, op) }
    }
  }

  private mutating func replaceOperator(_ i: Int, _ op: any Operator) {
    forms[op] = forms[nodes[i].op]?.with(bodies: op.bodies)
    let origin = nodes[i].origin
    nodes[i] = Node(nodes[i].name, op, nodes[i].inputs, nodes[i].outputs)
    nodes[i].origin = origin
  }
}

/// Numbers for dimensions that nobody can name, which are no names of the model's.
private final class SymbolCount {
  private var count = 0
  private let taken: [Dim]

  init(besides dims: [Dim]) { taken = dims.filter { $0.value == nil } }

  func next() -> Dim {
    repeat { count += 1 } while taken.contains(.symbol("?\(count)"))
    return .symbol("?\(count)")
  }
}

extension Operator {
  /// The same operator with other bodies, which take and give the same; nil where there are none that may change.
  fileprivate func with(_ bodies: [Graph]) -> (any Operator)? {
    if self is If, bodies.count == 2 { return If(bodies[0], bodies[1]) }
    guard let body = bodies.first else { return nil }
    if let loop = self as? Loop { return Loop(loop, body) }
    return (self as? Scan).map { Scan($0, body) }
  }
}
