import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

extension LSTM {
  /// The input's share of all gates is one product over the whole sequence; then one step walks the sequence, split
  /// over directions and rows of the batch.
  package func lower(_ node: inout Lowering) throws(MaasError) {
    var x = try node.widenedInput(0)
    if batchFirst { x = try node.swapped(x, 0, 1) }
    let (steps, batch, input) = (x.shape[0], x.shape[1], x.shape[2])
    let r = try node.widenedInput(2)
    let (directions, hidden) = (direction.count, r.shape[2])

    let gates = try node.temporary(.float, [directions, steps, batch, 4 * hidden])
    var product = MatrixProduct(m: steps * batch, n: 4 * hidden, k: input)
    (product.bRow, product.bColumn, product.cColumn) = (1, input, 1)
    product.setDirections(directions)
    try node.emitProduct(
      product, x, try node.widenedInput(1), try node.gateBias(directions, hidden), nil, gates)

    var recurrence = MatrixProduct(m: 1, n: 4 * hidden, k: hidden)
    (recurrence.bRow, recurrence.bColumn, recurrence.bCount) = (1, hidden, directions)
    let panels = try node.panels(r, recurrence)
    try walk(&node, gates, panels, LSTMSizes(steps, batch, hidden, directions))
  }

  private func walk(
    _ node: inout Lowering, _ gates: Operand, _ panels: Operand, _ sizes: LSTMSizes
  ) throws(MaasError) {
    let state = [sizes.directions, sizes.batch, sizes.hidden]
    let y = try target(&node, 0, [sizes.steps] + state, steps: true)
    let h = try target(&node, 1, state, steps: false)
    let c = try target(&node, 2, state, steps: false)
    let operands = [
      gates, panels, try node.widenedOptional(7), node.optionalInput(4), try initial(&node, 5),
      try initial(&node, 6), y, h, c,
    ]
    let params = LSTMParams(self, sizes)
    // A chunk multiplies `rows` rows of the batch by a [hidden, 4 hidden] matrix in each step.
    let work = elementCount([sizes.steps, params.rows, sizes.hidden, sizes.hidden / 8 + 4]) ?? .max
    node.emit(
      { runLSTM(Chunk($0, $1, $2, $3)) }, operands, params, items: sizes.directions * params.blocks,
      grain: grain(nanoseconds: work), scratch: Int(params.scratch), kernel: "lstm")
    try deliver(&node, 0, y, [0, 2, 1])
    try deliver(&node, 1, h, [0, 1])
    try deliver(&node, 2, c, [0, 1])
  }

  /// Where a float result in layout 0 goes: the output itself, a temporary, or nowhere for an unwanted sequence.
  private func target(
    _ node: inout Lowering, _ i: Int, _ shape: [Int], steps: Bool
  ) throws(MaasError) -> Operand? {
    if let y = node.optionalOutput(i), y.dtype == .float, !batchFirst { return y }
    if node.optionalOutput(i) == nil, steps { return nil }
    return try node.temporary(.float, shape)
  }

  private func initial(_ node: inout Lowering, _ i: Int) throws(MaasError) -> Operand? {
    guard let given = try node.widenedOptional(i) else { return nil }
    return batchFirst ? try node.swapped(given, 0, 1) : given
  }

  /// Brings a result into the output's layout and element type.
  private func deliver(_ node: inout Lowering, _ i: Int, _ result: Operand?, _ order: [Int]) throws(MaasError)
  {
    guard let y = node.optionalOutput(i), let result, y.buffer != result.buffer else { return }
    guard batchFirst else { return node.narrow(result, into: y) }
    // Y: [steps, directions, batch, hidden] to [batch, steps, directions, hidden]; states swap the first two.
    let perm = order.count == 3 ? [2, 0, 1, 3] : [1, 0, 2]
    let target = try node.widenedTarget(y)
    let strides = contiguousStrides(result.shape)
    try node.emitCopy(
      result, target, y.shape, xStrides: perm.map { strides[$0] }, yStrides: contiguousStrides(y.shape))
    node.narrow(target, into: y)
  }
}

struct LSTMSizes {
  let steps, batch, hidden, directions: Int

  init(_ steps: Int, _ batch: Int, _ hidden: Int, _ directions: Int) {
    (self.steps, self.batch, self.hidden, self.directions) = (steps, batch, hidden, directions)
  }
}

extension MatrixProduct {
  /// One product per direction with the same A, its own B and its own C row.
  fileprivate mutating func setDirections(_ count: Int) {
    bCount = count
    guard count > 1 else { return }
    (batch, aBatch, bBatch, yBatch, cBatch) = ([count], [0], [1], [1], [n])
  }
}

extension Lowering {
  /// A copy with two neighbouring dimensions swapped.
  fileprivate mutating func swapped(_ x: Operand, _ a: Int, _ b: Int) throws(MaasError) -> Operand {
    var (shape, strides) = (x.shape, contiguousStrides(x.shape))
    shape.swapAt(a, b)
    strides.swapAt(a, b)
    let y = try temporary(x.dtype, shape)
    try emitCopy(x, y, shape, xStrides: strides, yStrides: contiguousStrides(shape))
    return y
  }

  /// The sum of both halves of B, [directions, 4 hidden]; nil without B.
  fileprivate mutating func gateBias(_ directions: Int, _ hidden: Int) throws(MaasError) -> Operand? {
    guard let b = try widenedOptional(3) else { return nil }
    let y = try temporary(.float, [directions, 4 * hidden])
    emit(
      { sumOfBiases(Chunk($0, $1, $2, $3)) }, [b, y], 4 * hidden, items: y.count,
      grain: grain(nanoseconds: 1))
    return y
  }
}

/// b [directions, 2, n], y [directions, n]; the parameter is n.
private func sumOfBiases(_ chunk: Chunk) -> Int32 {
  let n = chunk.params(Int.self).pointee
  let (b, y) = (chunk.input(0, as: Float.self), chunk.output(1, as: Float.self))
  for i in chunk.begin..<chunk.end { y[i] = b[i / n * 2 * n + i % n] + b[i / n * 2 * n + n + i % n] }
  return StepStatus.ok
}
