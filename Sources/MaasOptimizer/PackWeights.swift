import MaasCore
import MaasGraph
import MaasOps

/// A product of floats with constant weights that are dequantized just before reads them as they are, block by block.
let packWeights = Rule(name: "PackWeights", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard let right = matcher.rightSide(node), let a = node.inputs[0],
      matcher.graph[a].dtype == .float,
      let result = node.outputs[0], matcher.graph[result].dtype == .float,
      let weights = try matcher.weights(right.matrix, isTransposed: right.isTransposed)
    else { return nil }
    let bias = node.inputs[at: 2] ?? nil
    guard bias == nil || matcher.isBias(bias, weights) else { return nil }
    let name = node.name
    let codes = matcher.constant("\(name)/codes", weights.codes)
    let scales = matcher.constant("\(name)/scales", weights.scales)
    let zeros = weights.zeros.map { matcher.constant("\(name)/zeros", $0) }
    return Node(name, weights.op, [a, codes, scales, zeros, nil, bias], node.outputs)
  }
}

extension Matcher {
  /// The weights that a DequantizeLinear of constants makes floats of.
  fileprivate func weights(_ id: ValueID?, isTransposed: Bool) throws(MaasError) -> MatMulNBits.Weights? {
    guard let node = node(id), let op = node.op as? DequantizeLinear, op.isToFloat, let w = constant(node, 0),
      w.shape.count == 2, let scales = constant(node, 1)
    else { return nil }
    let zeros = constant(node, 2)
    guard zeros != nil || node.inputs[at: 2] ?? nil == nil else { return nil }
    let axis = op.axis < 0 ? op.axis + 2 : op.axis
    let sum = isTransposed ? 1 : 0
    // Blocks lie along the sum; numbers of their own do only the columns have.
    guard scales.count == 1 || (op.blockSize > 0) == (axis == sum) else { return nil }
    return try MatMulNBits.weights(
      w, scales: scales, zeros: zeros, block: op.blockSize, isTransposed: isTransposed)
  }

  private func constant(_ node: Node, _ i: Int) -> Tensor? {
    (node.inputs[at: i] ?? nil).flatMap { graph[$0].constant }
  }

  fileprivate func isBias(_ id: ValueID?, _ weights: MatMulNBits.Weights) -> Bool {
    let bias = graph.floatConstant(id, count: weights.scales.shape[0])
    return bias?.shape.last == bias?.count && bias != nil
  }
}
