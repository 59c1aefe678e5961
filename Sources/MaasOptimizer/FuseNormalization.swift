import MaasCore
import MaasGraph
import MaasOps

/// (x - mean) / sqrt(variance + epsilon) over the last dimensions, written out, becomes LayerNormalization; without the
/// mean, RMSNormalization. A scale and a shift behind it move into it.
let fuseNormalization = Rule(name: "FuseNormalization", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard let output = node.outputs[at: 0] ?? nil, matcher.graph[output].dtype == .float else { return nil }
    switch node.op.name {
    case "Div", "Mul":
      if let made = try matcher.normalization(node) { return made }
      return node.op.name == "Mul" ? matcher.scaledNormalization(node) : nil
    case "Add": return matcher.shiftedNormalization(node)
    default: return nil
    }
  }
}

/// What a quotient or product divides by.
private struct InverseRoot {
  let square: ValueID
  let epsilon: Float
}

extension Matcher {
  fileprivate mutating func normalization(_ node: Node) throws(MaasError) -> Node? {
    guard node.op.isElementary, let (centred, root) = deviation(node),
      let mean = meanSquare(root.square, centred)
    else { return nil }
    var (x, row) = (centred, LayerNormalization.Row.rms)
    if let source = source(ofCentred: centred, axis: mean) { (x, row) = (source, .layer) }
    guard alike(x, node.outputs[0]), let shape = shape(x), let part = Shape(Array(shape[mean...])).concrete,
      let count = elementCount(part), count > 0
    else { return nil }
    let ones = try Tensor(.float, part, [Float](repeating: 1, count: count))
    let scale = constant("\(node.name)/scale", ones)
    let op = LayerNormalization(row, axis: mean - shape.count, epsilon: root.epsilon)
    return Node(node.name, op, [x, scale], node.outputs)
  }

  /// x and what it is divided by.
  private func deviation(_ node: Node) -> (ValueID, InverseRoot)? {
    guard let a = node.inputs[at: 0] ?? nil, let b = node.inputs[at: 1] ?? nil else { return nil }
    if node.op.name == "Div" { return root(b).map { (a, $0) } }
    return inverseRoot(b).map { (a, $0) } ?? inverseRoot(a).map { (b, $0) }
  }

  /// sqrt(square + epsilon)
  private func root(_ id: ValueID?) -> InverseRoot? {
    var argument = node(id, "Sqrt")?.inputs[0]
    if let power = node(id, "Pow"), scalar(power.inputs[1]) == 0.5 { argument = power.inputs[0] }
    guard let sum = node(argument, "Add") else { return nil }
    for i in 0..<2 {
      if let epsilon = scalar(sum.inputs[i]), let square = sum.inputs[1 - i] {
        return InverseRoot(square: square, epsilon: Float(epsilon))
      }
    }
    return nil
  }

  private func inverseRoot(_ id: ValueID?) -> InverseRoot? {
    if let reciprocal = node(id, "Reciprocal") { return root(reciprocal.inputs[0]) }
    guard let quotient = node(id, "Div"), scalar(quotient.inputs[0]) == 1 else { return nil }
    return root(quotient.inputs[1])
  }

  /// The first of the dimensions over which `id` is the mean of the squares of `x`.
  private func meanSquare(_ id: ValueID, _ x: ValueID) -> Int? {
    guard let (argument, axis) = mean(id) else { return nil }
    let square = factors(argument)
    let isSquare = square.coefficient == 1 && square.values.count == 2
    return isSquare && square.values.allSatisfy { isSame($0, x) } ? axis : nil
  }

  /// The argument of a mean over the last dimensions, and the first of these.
  private func mean(_ id: ValueID?) -> (ValueID, axis: Int)? {
    guard let node = node(id, "ReduceMean"), let op = node.op as? Reduce, let x = node.inputs[0],
      let rank = shape(x)?.count
    else { return nil }
    let axes = (node.inputs[at: 1] ?? nil).flatMap { graph[$0].constant }
    return op.firstOfLast(axes, rank: rank).map { (x, $0) }
  }

  /// x, where `id` is x minus its mean.
  private func source(ofCentred id: ValueID, axis: Int) -> ValueID? {
    guard let difference = node(id, "Sub"), let (x, own) = mean(difference.inputs[1]), own == axis else {
      return nil
    }
    return difference.inputs[0] == x ? x : nil
  }

  /// Exporters that know no common subexpressions write the difference from the mean twice.
  private func isSame(_ a: ValueID, _ b: ValueID) -> Bool {
    if a == b { return true }
    guard let x = node(a, "Sub"), let y = node(b, "Sub") else { return false }
    return x.inputs == y.inputs
  }

  /// The normalisation that makes an operand of `node`, and a constant operand of its scale's size beside it.
  private func normalized(_ node: Node) -> (own: Node, LayerNormalization, constant: Tensor)? {
    for i in 0..<2 {
      guard let own = self.node(node.inputs[at: i] ?? nil), let op = own.op as? LayerNormalization,
        own.outputs.count == 1, isReadOnce(own.outputs[0]), alike(own.outputs[0], node.outputs[0]),
        let scale = graph.floatConstant(own.inputs[1]),
        let constant = graph.floatConstant(node.inputs[at: 1 - i] ?? nil, count: scale.count),
        constant.shape.suffix(scale.shape.count) == scale.shape[...],
        constant.shape.count <= shape(node.outputs[0])?.count ?? 0
      else { continue }
      return (own, op, constant)
    }
    return nil
  }

  fileprivate mutating func scaledNormalization(_ node: Node) -> Node? {
    guard node.op.isElementary, let (own, op, factor) = normalized(node), own.inputs.count == 2,
      isOnes(own.inputs[1]), let flat = try? factor.reshaped(graph.floatConstant(own.inputs[1])?.shape ?? [])
    else { return nil }
    let scale = constant("\(node.name)/scale", flat)
    return Node(node.name, op, [own.inputs[0], scale], node.outputs)
  }

  fileprivate mutating func shiftedNormalization(_ node: Node) -> Node? {
    guard node.op.isElementary, let (own, op, shift) = normalized(node), own.inputs.count == 2, !op.isRMS,
      let flat = try? shift.reshaped(graph.floatConstant(own.inputs[1])?.shape ?? [])
    else { return nil }
    let bias = constant("\(node.name)/bias", flat)
    return Node(node.name, op, own.inputs + [bias], node.outputs)
  }

  private func isOnes(_ id: ValueID?) -> Bool {
    graph.floatConstant(id)?.elements(as: Float.self).allSatisfy { $0 == 1 } ?? false
  }
}
