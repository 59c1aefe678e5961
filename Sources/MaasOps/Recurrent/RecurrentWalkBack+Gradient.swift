import CMaasKernels
import MaasCore
import MaasGraph

/// Inputs: the gradients of Y, Y_h and Y_c, where there are any; what TrainingRecurrent keeps; then that operator's
/// inputs. Outputs: the gradients of `recurrentInputs`; nothing for those that are not there.
final class RecurrentGradient: Operator {
  let name = "RecurrentGradient"
  private let training: TrainingRecurrent
  private var op: Recurrent { training.op }

  init(_ training: TrainingRecurrent) { self.training = training }

  func infer(_ node: inout Inference) throws(MaasError) {
    let dtype = try node.dtype(6)
    for (i, input) in recurrentInputs.enumerated() {
      node.setOutput(i, dtype, node.has(6 + input) ? try node.shape(6 + input) : [.known(0)])
    }
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let walk = try RecurrentWalkBack(op, training.slopes, &node)
    try walk.emit(&node)
    try walk.emitInput(&node)
    try walk.emitWeights(&node)
    try walk.emitBiases(&node)
    try walk.emitPeepholes(&node)
    try walk.emitInitial(&node)
  }
}

/// The steps of RecurrentGradient.
private struct RecurrentWalkBack {
  private let op: Recurrent
  private let sizes: RecurrentSizes
  private let wide: DType
  private let params: maas_recurrent_params
  private let split: maas_split
  /// Of steps and batch together.
  private let rows: Int
  private let width: Int
  private let gates, kept, before: Operand
  /// What the walk makes: gradients of the gates' inputs, the same for R's part, and of the initial states.
  private let dx, dr, dh: Operand
  private let dc: Operand?

  init(_ op: Recurrent, _ slopes: [maas_slope], _ node: inout Lowering) throws(MaasError) {
    self.op = op
    (gates, kept, before) = (try node.input(3), try node.input(4), try node.input(5))
    wide = gates.dtype
    let shape = before.shape
    sizes = RecurrentSizes(shape[1], shape[2], try node.input(7).shape[2], shape[3], shape[0])
    (params, split) = op.trainingParams(sizes, slopes, wide)
    (rows, width) = (sizes.steps * sizes.batch, op.cell.gates * sizes.hidden)
    dx = try node.temporary(wide, gates.shape)
    dr = op.linearBeforeReset ? try node.temporary(wide, gates.shape) : dx
    let state = [sizes.directions, sizes.batch, sizes.hidden]
    dh = try node.temporary(wide, state)
    dc = op.cell == .lstm ? try node.temporary(wide, state) : nil
  }

  func emit(_ node: inout Lowering) throws(MaasError) {
    try emitStart(&node, 1, dh)
    if let dc { try emitStart(&node, 2, dc) }
    let r = try node.converted(try node.input(8), wide)
    let twice = op.cell == .gru && !op.linearBeforeReset
    let operands = [
      gates, try joinedPanels(&node, r, twice ? 2 : op.cell.gates),
      twice ? try node.gatePanels(r, sizes, op.cell.gates, transposed: false) : nil,
      try node.optionalInput(13).map { p throws(MaasError) in try node.converted(p, wide) },
      node.optionalInput(10),
      before, op.cell == .rnn ? nil : kept, try layoutZero(&node, 0, [1, 2, 0, 3]), dh, dc, dx,
      op.linearBeforeReset ? dr : nil,
    ]
    node.emit(maas_recurrent_backward, operands, params, split, dtype: wide)
  }

  /// Gradient `i` of an output in layout 0; nil where there is none. `order` are the dimensions' places in layout 1.
  private func layoutZero(_ node: inout Lowering, _ i: Int, _ order: [Int]) throws(MaasError) -> Operand? {
    guard let given = node.optionalInput(i) else { return nil }
    let x = try node.converted(given, wide)
    guard op.batchFirst else { return x }
    let strides = contiguousStrides(x.shape)
    let y = try node.temporary(wide, order.map { x.shape[$0] })
    try node.emitCopy(
      x, y, y.shape, xStrides: order.map { strides[$0] }, yStrides: contiguousStrides(y.shape))
    return y
  }

  /// The gradient of the last states, 0 where nobody asks for them.
  private func emitStart(_ node: inout Lowering, _ i: Int, _ y: Operand) throws(MaasError) {
    guard let x = try layoutZero(&node, i, [1, 0, 2]) else { return try node.emitFill(y, try zero(wide)) }
    try node.emitBroadcast(x, y)
  }

  private func joinedPanels(_ node: inout Lowering, _ r: Operand, _ count: Int) throws(MaasError) -> Operand {
    if wide == .double { return r }
    var product = MatrixProduct(m: 1, n: sizes.hidden, k: count * sizes.hidden)
    product.bCount = sizes.directions
    product.bStep = width * sizes.hidden
    return try node.panels(r, product)
  }

  /// dX, the sum of what each direction gives.
  func emitInput(_ node: inout Lowering) throws(MaasError) {
    guard node.wanted[0], let result = node.optionalOutput(0) else { return }
    let w = try node.converted(try node.input(7), wide)
    var product = MatrixProduct(m: rows, n: sizes.input, k: width)
    product.setEach(sizes.directions, a: 1)
    let shape = [sizes.steps, sizes.batch, sizes.input]
    let isPlain = !op.batchFirst && result.dtype == wide
    let whole = isPlain ? result : try node.temporary(wide, shape)
    let parts = sizes.directions == 1 ? whole : try node.temporary(wide, [sizes.directions] + shape)
    try node.emitEither(product, dx, w, parts)
    if sizes.directions > 1 { try node.emitReduce(MAAS_REDUCE_SUM, parts, whole, [0]) }
    if !isPlain { try finish(&node, whole, result, [1, 0, 2]) }
  }

  /// A result of layout 0 in the output's layout and element type.
  private func finish(
    _ node: inout Lowering, _ x: Operand, _ y: Operand, _ order: [Int]
  ) throws(MaasError) {
    let target = try node.target(y, wide)
    let strides = contiguousStrides(x.shape)
    try node.emitCopy(
      x, target, y.shape, xStrides: op.batchFirst ? order.map { strides[$0] } : strides,
      yStrides: contiguousStrides(y.shape))
    node.narrow(target, into: y)
  }

  /// dW and dR: products over all steps at once.
  func emitWeights(_ node: inout Lowering) throws(MaasError) {
    if node.wanted[1], let dw = node.optionalOutput(1) {
      var x = try node.converted(try node.input(6), wide)
      if op.batchFirst { x = try node.swapped(x, 0, 1) }
      let target = try node.target(dw, wide)
      var product = overSteps(m: width, n: sizes.input)
      product.setEach(sizes.directions, a: 1, b: 0)
      try node.emitEither(product, dx, x, target)
      node.narrow(target, into: dw)
    }
    guard node.wanted[2], let result = node.optionalOutput(2) else { return }
    let target = try node.target(result, wide)
    try emitRecurrence(&node, target)
    node.narrow(target, into: result)
  }

  /// A' B, where rows of A are `width` elements.
  private func overSteps(m: Int, n: Int) -> MatrixProduct {
    var product = MatrixProduct(m: m, n: n, k: rows)
    (product.aRow, product.aColumn) = (1, width)
    product.aStep = rows * width
    return product
  }

  private func emitRecurrence(_ node: inout Lowering, _ y: Operand) throws(MaasError) {
    var product = overSteps(m: width, n: sizes.hidden)
    product.setEach(sizes.directions, a: 1)
    try node.emitEither(product, dr, before, y)
    guard op.cell == .gru, !op.linearBeforeReset else { return }
    // R's last gate was multiplied with something else.
    let last = try node.temporary(wide, [sizes.directions, sizes.hidden, sizes.hidden])
    var candidate = overSteps(m: sizes.hidden, n: sizes.hidden)
    candidate.setEach(sizes.directions, a: 1)
    let own = try node.temporary(wide, [sizes.directions, rows, sizes.hidden])
    try node.emitCopy(
      dx, own, own.shape, xStrides: [rows * width, width, 1], yStrides: contiguousStrides(own.shape),
      xOffset: 2 * sizes.hidden)
    (candidate.aColumn, candidate.aStep) = (sizes.hidden, rows * sizes.hidden)
    try node.emitEither(candidate, own, kept, last)
    let size = sizes.hidden * sizes.hidden
    try node.emitCopy(
      last, y, last.shape, xStrides: contiguousStrides(last.shape), yStrides: [3 * size, sizes.hidden, 1],
      yOffset: 2 * size)
  }

  /// dB: sums over steps and batch, for W's half and R's.
  func emitBiases(_ node: inout Lowering) throws(MaasError) {
    guard node.wanted[3], node.optionalInput(9) != nil, let result = node.optionalOutput(3) else { return }
    let target = try node.target(result, wide)
    let shape = [sizes.directions, rows, width]
    var sum: Operand?
    for (i, x) in [dx, dr].enumerated() {
      if sum == nil || x.buffer != dx.buffer {
        let own = try node.temporary(wide, [sizes.directions, width])
        try node.emitReduce(MAAS_REDUCE_SUM, try x.reshaped(shape), own, [1])
        sum = own
      }
      guard let sum else { continue }
      try node.emitCopy(
        sum, target, sum.shape, xStrides: [width, 1], yStrides: [2 * width, 1], yOffset: i * width)
    }
    node.narrow(target, into: result)
  }

  /// dP: the gates' gradients times the cells that the peepholes see, added up.
  func emitPeepholes(_ node: inout Lowering) throws(MaasError) {
    guard op.cell == .lstm, node.wanted[6], node.optionalInput(13) != nil, let result = node.optionalOutput(6)
    else { return }
    let target = try node.target(result, wide)
    let params = PeepholeParams(
      steps: sizes.steps, batch: sizes.batch, hidden: sizes.hidden, firstIsReverse: op.direction == .reverse)
    node.emit(
      { dispatch(PeepholeGradientKernel.self, Chunk($0, $1, $2, $3)) }, [dx, kept, target], params,
      dtype: wide,
      items: target.count, grain: grain(nanoseconds: 4 * rows))
    node.narrow(target, into: result)
  }

  func emitInitial(_ node: inout Lowering) throws(MaasError) {
    for (i, x) in [(4, dh), (5, dc)] {
      guard node.wanted[i], node.optionalInput(i + 7) != nil, let y = node.optionalOutput(i), let x else {
        continue
      }
      try finish(&node, x, y, [1, 0, 2])
    }
  }
}

private struct PeepholeParams {
  let steps, batch, hidden: Int
  let firstIsReverse: Bool
}

/// Gradients of the gates' inputs, cells in the order of the walk, y [directions, 3 hidden]. Input and forget gate see
/// the cells before a step, the output gate those after it.
private enum PeepholeGradientKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(PeepholeParams.self).pointee
    let (d, cells, y) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.output(2, as: T.self))
    for item in chunk.begin..<chunk.end {
      let (direction, gate, j) = (item / (3 * p.hidden), item / p.hidden % 3, item % p.hidden)
      let isReverse = p.firstIsReverse || direction == 1
      var sum: T = 0
      for i in 0..<p.steps {
        let time = isReverse ? p.steps - 1 - i : i
        for row in 0..<p.batch {
          let at = ((direction * p.steps + time) * p.batch + row) * 4 + gate
          let cell = (direction * (p.steps + 1) + i + (gate == 1 ? 1 : 0)) * p.batch + row
          sum += d[at * p.hidden + j] * cells[cell * p.hidden + j]
        }
      }
      y[item] = sum
    }
    return StepStatus.ok
  }
}
