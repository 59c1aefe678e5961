import MaasCore
import MaasGraph
import MaasOps

/// What stands between a dequantization and a quantization works on the integers where there is an operator that does
/// so: with equal scales the operators that move numbers only, and nothing at all for none in between. Of a table of
/// integers only what is looked up is dequantized.
let keepBytes = Rule(name: "KeepBytes", effect: .rounding) { (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    if node.op is Gather { return matcher.lookedUp(node) }
    guard let op = node.op as? QuantizeLinear, op.isFromFloat, let target = matcher.target(node) else {
      return nil
    }
    if let own = matcher.quantized(node.inputs[0]) {
      return matcher.agree(own, target) ? Node(node.name, Identity(), [own.x], node.outputs) : nil
    }
    guard matcher.isReadOnce(node.inputs[0]), let inner = matcher.node(node.inputs[0]) else { return nil }
    if let moved = matcher.moved(inner, target, node.outputs) { return moved }
    return try matcher.combined(inner, target, node.outputs)
  }
}

extension Matcher {
  /// What a QuantizeLinear makes, if it makes bytes with one scale.
  fileprivate func target(_ node: Node) -> QuantizedValue? {
    guard let y = node.outputs[0], isByte(y), let scale = node.inputs[1], isOne(scale),
      graph[scale].dtype == .float
    else { return nil }
    let zero = node.inputs[at: 2] ?? nil
    return zero.map { isOne($0) } ?? true ? QuantizedValue(x: y, scale: scale, zero: zero, axis: nil) : nil
  }

  /// Whether the same integers mean the same numbers.
  fileprivate func agree(_ a: QuantizedValue, _ b: QuantizedValue) -> Bool {
    guard a.axis == nil, b.axis == nil, graph[a.x].dtype == graph[b.x].dtype else { return false }
    let isScale = a.scale == b.scale || scaleNumber(a) == scaleNumber(b) && scaleNumber(a) != nil
    return isScale && (a.zero == b.zero || zeroNumber(a) == zeroNumber(b) && zeroNumber(a) != nil)
  }

  private func scaleNumber(_ value: QuantizedValue) -> Float? {
    graph.floatConstant(value.scale, count: 1)?.elements(as: Float.self).first
  }

  private func zeroNumber(_ value: QuantizedValue) -> Int? {
    guard let zero = value.zero else { return 0 }
    return graph[zero].constant?.integers?.first
  }

  /// A DequantizeLinear behind a Gather in place of one before it.
  fileprivate mutating func lookedUp(_ node: Node) -> Node? {
    guard let table = quantized(node.inputs[0]), table.axis == nil, let scaling = self.node(node.inputs[0]),
      let result = node.outputs[0]
    else { return nil }
    let bytes = value("\(node.name)/bytes", graph[table.x].dtype, shape(result))
    insert(Node("\(node.name)/bytes", node.op, [table.x] + node.inputs.dropFirst(), [bytes]))
    return Node(node.name, scaling.op, [bytes, table.scale, table.zero], node.outputs)
  }

  /// An operator that gives numbers on as they are, on integers.
  fileprivate func moved(_ node: Node, _ target: QuantizedValue, _ outputs: [ValueID?]) -> Node? {
    let moves =
      node.op.isReshaping || node.op is Transpose || (node.op.name == "MaxPool" && node.outputs.count == 1)
    guard moves, let own = quantized(node.inputs[0]), agree(own, target) else { return nil }
    return Node(node.name, node.op, [own.x] + node.inputs.dropFirst(), outputs)
  }

  /// An operator that computes with quantized numbers of any scales.
  fileprivate func combined(
    _ node: Node, _ target: QuantizedValue, _ outputs: [ValueID?]
  ) throws(MaasError) -> Node? {
    guard node.op.isElementary || node.op is Concat || node.op.name == "GlobalAveragePool" else { return nil }
    var inputs: [ValueID?] = []
    for input in node.inputs {
      guard let own = quantized(input), own.axis == nil, graph[own.x].dtype == graph[target.x].dtype else {
        return nil
      }
      inputs += [own.x, own.scale, own.zero]
    }
    let result = [target.scale, target.zero]
    if let concat = node.op as? Concat {
      return Node(node.name, QLinearConcat(concat, tensors: node.inputs.count), result + inputs, outputs)
    }
    var reader = AttributeReader([], opset: 1, inputCount: inputs.count + 2, outputCount: 1)
    let op: any Operator
    switch node.op.name {
    case "Add": op = try QLinearBinary(.add, &reader)
    case "Mul": op = try QLinearBinary(.mul, &reader)
    case "Sigmoid": op = try QLinearLookup(.sigmoid, &reader)
    case "GlobalAveragePool": op = try QLinearMean(.globalPool, &reader)
    default: return nil
    }
    return Node(node.name, op, inputs + result, outputs)
  }
}
