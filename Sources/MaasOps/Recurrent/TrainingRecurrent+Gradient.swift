import CMaasKernels
import MaasCore
import MaasGraph

/// A recurrent operator that gives three outputs more: the activated gates [directions, steps, batch, gates x
/// hidden], what its cell keeps (see maas_recurrent.h), and the hidden values before each step [directions, steps,
/// batch, hidden].
final class TrainingRecurrent: Operator {
  let op: Recurrent
  let slopes: [maas_slope]
  var name: String { "Training\(op.name)" }

  init(_ op: Recurrent) throws(MaasError) {
    self.op = op
    var slopes: [maas_slope] = []
    for function in op.activations { slopes.append(try maas_slope(function)) }
    self.slopes = slopes
  }

  func infer(_ node: inout Inference) throws(MaasError) {
    try op.infer(&node)
    let (x, r) = (
      try node.shape(0) ?? node.unknownShape(rank: 3), try node.shape(2) ?? node.unknownShape(rank: 3)
    )
    let (steps, batch) = op.batchFirst ? (x[1], x[0]) : (x[0], x[1])
    let (directions, hidden) = (Dim.known(op.direction.count), r[2])
    let dtype: DType = try node.dtype(0) == .double ? .double : .float
    node.setOutput(3, dtype, [directions, steps, batch, .known(op.cell.gates) * hidden])
    let kept: [Dim] =
      op.cell == .rnn
      ? [.known(0)] : [directions, op.cell == .lstm ? steps + .known(1) : steps, batch, hidden]
    node.setOutput(4, dtype, kept)
    node.setOutput(5, dtype, [directions, steps, batch, hidden])
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (gates, wide) = (try node.output(3), try node.output(3).dtype)
    var x = try node.converted(try node.input(0), wide)
    if op.batchFirst { x = try node.swapped(x, 0, 1) }
    let hidden = try node.output(5).shape[3]
    let sizes = RecurrentSizes(x.shape[0], x.shape[1], x.shape[2], hidden, op.direction.count)
    let states = try op.states(&node, sizes, wide)
    try emitGates(&node, x, gates, sizes)
    let (params, split) = op.trainingParams(sizes, slopes, wide)
    let r = try node.gatePanels(
      try node.converted(try node.input(2), wide), sizes, op.cell.gates, transposed: true)
    let operands = [
      gates, r, try extra(&node, sizes, wide), node.optionalInput(4), states.initial[0], states.initial[1],
      try node.output(5), op.cell == .rnn ? nil : try node.output(4), states.results[0], states.results[1],
      states.results[2],
    ]
    node.emit(maas_recurrent_forward, operands, params, split, dtype: wide)
    for i in states.results.indices {
      try op.deliver(&node, i, states.results[i], i == 0 ? [2, 0, 1, 3] : [1, 0, 2])
    }
  }

  /// gates = X W' + biases.
  private func emitGates(
    _ node: inout Lowering, _ x: Operand, _ gates: Operand, _ sizes: RecurrentSizes
  ) throws(MaasError) {
    let width = op.cell.gates * sizes.hidden
    let w = try node.converted(try node.input(1), x.dtype)
    var product = MatrixProduct(m: sizes.steps * sizes.batch, n: width, k: sizes.input)
    (product.bRow, product.bColumn, product.cColumn) = (1, sizes.input, 1)
    product.setEach(sizes.directions, a: 0)
    product.cBatch = sizes.directions > 1 ? [width] : []
    var biases: Operand?
    if let b = node.optionalInput(3) {
      let sum = try node.temporary(x.dtype, [sizes.directions, 1, width])
      let shared = width - (op.linearBeforeReset ? sizes.hidden : 0)
      node.emit(
        { dispatch(BiasSumKernel.self, Chunk($0, $1, $2, $3)) }, [try node.converted(b, x.dtype), sum],
        (width: width, shared: shared), dtype: x.dtype, items: sum.count, grain: grain(nanoseconds: 1))
      biases = sum
    }
    guard x.dtype == .double else { return try node.emitProduct(product, x, w, biases, nil, gates) }
    try node.emitPlainProduct(product, x, w, nil, gates)
    let rows = try gates.reshaped([sizes.directions, sizes.steps * sizes.batch, width])
    if let biases { try node.emitBinary(.add, rows, biases, rows) }
  }

  /// Peepholes, or the bias of R's last gate, which the reset gate multiplies.
  private func extra(
    _ node: inout Lowering, _ sizes: RecurrentSizes, _ wide: DType
  ) throws(MaasError) -> Operand? {
    if op.cell == .lstm {
      return try node.optionalInput(7).map { p throws(MaasError) in try node.converted(p, wide) }
    }
    guard op.linearBeforeReset, let b = node.optionalInput(3) else { return nil }
    let last = try node.temporary(wide, [sizes.directions, sizes.hidden])
    try node.emitCopy(
      try node.converted(b, wide), last, last.shape, xStrides: [6 * sizes.hidden, 1],
      yStrides: [sizes.hidden, 1], xOffset: 5 * sizes.hidden)
    return last
  }
}

extension MatrixProduct {
  /// One product for each direction with its own Y; those of A and B are its own (1) or the same for all (0).
  mutating func setEach(_ count: Int, a: Int, b: Int = 1) {
    bCount = b == 1 ? count : 1
    if count > 1 { (batch, aBatch, bBatch, yBatch) = ([count], [a], [b], [1]) }
  }
}

extension Lowering {
  /// R's gates, packed one by one; doubles stay as they are.
  mutating func gatePanels(
    _ r: Operand, _ sizes: RecurrentSizes, _ gates: Int, transposed: Bool
  ) throws(MaasError) -> Operand {
    if r.dtype == .double { return r }
    var product = MatrixProduct(m: 1, n: sizes.hidden, k: sizes.hidden)
    if transposed { (product.bRow, product.bColumn) = (1, sizes.hidden) }
    product.bCount = sizes.directions * gates
    return try panels(r, product)
  }

  mutating func emitEither(
    _ product: MatrixProduct, _ a: Operand, _ b: Operand, _ y: Operand
  ) throws(MaasError) {
    guard y.dtype == .double else { return try emitProduct(product, a, b, nil, nil, y) }
    try emitPlainProduct(product, a, b, nil, y)
  }
}

/// b [directions, 2, width], y [directions, width]: the sum of both halves, of elements from `shared` on only the
/// first.
private enum BiasSumKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let (width, shared) = chunk.params((width: Int, shared: Int).self).pointee
    let (b, y) = (chunk.input(0, as: T.self), chunk.output(1, as: T.self))
    for i in chunk.begin..<chunk.end {
      let first = i / width * 2 * width + i % width
      y[i] = i % width < shared ? b[first] + b[first + width] : b[first]
    }
    return StepStatus.ok
  }
}
