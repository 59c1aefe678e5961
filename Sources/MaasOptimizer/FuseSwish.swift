import MaasCore
import MaasGraph
import MaasOps

/// x sigmoid(alpha x), x hard-sigmoid(x) and x tanh(softplus(x)), written out, become Swish, HardSwish and Mish.
let fuseSwish = Rule(name: "FuseSwish", effect: .rounding) { (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard node.op.name == "Mul" || node.op.name == "Div" else { return nil }
    let product = matcher.factors(node)
    guard product.values.count == 2 else { return nil }
    for x in product.values where matcher.alike(x, node.outputs[0]) {
      let gate = product.other(than: x)
      let function = product.coefficient == 1 ? matcher.gate(gate, of: x) : nil
      guard let function = function ?? (matcher.isClippedGate(gate, of: x, product) ? Unary(.hardSwish) : nil)
      else { continue }
      return Node(node.name, function, [x], node.outputs)
    }
    return nil
  }
}

extension Matcher {
  /// The function that is x times `gate`.
  fileprivate func gate(_ gate: ValueID?, of x: ValueID) -> Unary? {
    if let sigmoid = node(gate, "Sigmoid") {
      let argument = factors(sigmoid.inputs[0])
      return argument.values == [x] ? Unary(.swish, alpha: Float(argument.coefficient)) : nil
    }
    if let inner = node(gate, "HardSigmoid"), inner.inputs[0] == x, let op = inner.op as? Unary {
      return op.activation.isHardSwishGate ? Unary(.hardSwish) : nil
    }
    guard let tanh = node(gate, "Tanh"), let softplus = node(tanh.inputs[0], "Softplus") else { return nil }
    return softplus.inputs[0] == x ? Unary(.mish) : nil
  }

  /// A sixth of x + 3 held in 0...6.
  fileprivate func isClippedGate(_ gate: ValueID?, of x: ValueID, _ product: FactorList) -> Bool {
    guard product.isAbout(1.0 / 6), let clip = node(gate), let op = clip.op as? Clip else { return false }
    let isRange = op.holds(0, 6, graph, clip)
    return isRange && summand(clip.inputs[0], plus: 3) == x
  }
}

extension Clip {
  fileprivate func holds(_ low: Float, _ high: Float, _ graph: Graph, _ node: Node) -> Bool {
    let facts = (1..<3).map { i in (node.inputs[at: i] ?? nil).map { Fact($0, graph) } }
    return activation(min: facts[0], max: facts[1])?.clips(low, high) ?? false
  }
}

extension Fact {
  fileprivate init(_ id: ValueID, _ graph: Graph) {
    self.init(graph[id].dtype ?? .float, graph[id].shape)
    constant = graph[id].constant
  }
}
