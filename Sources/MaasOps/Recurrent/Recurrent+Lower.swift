import CMaasKernels
import MaasCore
import MaasGraph

extension Recurrent {
  /// The input's share of all gates is one product over a stretch of the sequence; then one step walks that stretch,
  /// split over directions and rows of the batch.
  package func lower(_ node: inout Lowering) throws(MaasError) {
    let wide: DType = try node.input(0).dtype == .double ? .double : .float
    let x = try timeFirst(&node, wide)
    let hidden = try node.input(2).shape[2]
    let sizes = RecurrentSizes(x.shape[0], x.shape[1], x.shape[2], hidden, direction.count)
    let states = try states(&node, sizes, wide)
    if wide == .double {
      emitDoubles(&node, x, states, sizes)
    } else {
      try walk(&node, x, states, sizes)
    }
    try deliver(&node, states)
  }

  /// X as layout 0 has it.
  func timeFirst(_ node: inout Lowering, _ wide: DType) throws(MaasError) -> Operand {
    let x = try node.converted(try node.input(0), wide)
    return batchFirst ? try node.swapped(x, 0, 1) : x
  }

  /// Brings all results into the outputs' layout.
  func deliver(_ node: inout Lowering, _ states: RecurrentStates) throws(MaasError) {
    for i in states.results.indices {
      try deliver(&node, i, states.results[i], i == 0 ? [2, 0, 1, 3] : [1, 0, 2])
    }
  }

  private func inputProduct(_ stretch: Stretch, _ sizes: RecurrentSizes) -> MatrixProduct {
    let (width, row) = (cell.gates * sizes.hidden, sizes.batch * sizes.input)
    var product = MatrixProduct(m: stretch.count * sizes.batch, n: width, k: sizes.input)
    (product.bRow, product.bColumn, product.cColumn) = (1, sizes.input, 1)
    product.setDirections(sizes.directions)
    product.aOffset = row * (direction == .reverse ? stretch.reversed : stretch.first)
    product.aStep = row * (stretch.reversed - stretch.first)
    product.yRow = sizes.gatesRow(cell)
    product.yStep = sizes.stretch * sizes.batch * sizes.gatesRow(cell)
    return product
  }

  /// The same product, piece by piece: who walks a piece has computed its gates.
  private func byPieces(_ whole: MatrixProduct, _ sizes: RecurrentSizes) -> MatrixProduct {
    let (units, gates) = (sizes.hidden / sizes.pieces, cell.gates)
    var product = whole
    product.n = units
    product.batch = [sizes.pieces, sizes.directions, gates]
    (product.aBatch, product.aStep) = ([0, whole.aStep ?? 0, 0], 1)
    product.bBatch = [1, gates * sizes.pieces, sizes.pieces]
    product.cBatch = [units, gates * sizes.hidden, sizes.hidden]
    (product.yBatch, product.yStep) = ([units, whole.yStep ?? 0, sizes.hidden], 1)
    return product
  }

  /// How R is packed: each piece of a gate for itself.
  private func recurrence(_ sizes: RecurrentSizes) -> MatrixProduct {
    var product = MatrixProduct(m: 1, n: sizes.hidden / sizes.pieces, k: sizes.hidden)
    (product.bRow, product.bColumn) = (1, sizes.hidden)
    product.bCount = sizes.directions * cell.gates * sizes.pieces
    return product
  }

  private func walk(
    _ node: inout Lowering, _ x: Operand, _ states: RecurrentStates, _ sizes: RecurrentSizes
  ) throws(MaasError) {
    let width = cell.gates * sizes.hidden
    let w = try node.widenedInput(1)
    let right = w.constant == nil ? w : try node.panels(w, inputProduct(sizes.whole, sizes))
    let biases = try node.gateBias(sizes, width, separate: linearBeforeReset ? sizes.hidden : 0)
    let gates = try node.temporary(
      .float, [sizes.directions, sizes.stretch, sizes.batch, sizes.gatesRow(cell)])
    let panels = try node.panels(try node.widenedInput(2), recurrence(sizes))
    let own = cell == .lstm ? 7 : linearBeforeReset ? 3 : nil
    let operands = try emitStart(
      &node, states, RecurrentParams(self, sizes, sizes.whole), gates, panels,
      try own.flatMap { (i) throws(MaasError) in try node.widenedOptional(i) })
    for stretch in sizes.stretches {
      let params = RecurrentParams(self, sizes, stretch)
      let whole = inputProduct(stretch, sizes)
      let cuts = params.isWorthSharing && sizes.piecesArePanels
      node.emitProduct(cuts ? byPieces(whole, sizes) : whole, x, right, productForm(w), biases, nil, gates)
      node.emitWalk(
        { runRecurrent(Chunk($0, $1, $2, $3)) }, operands, params, params, scratch: Int(params.scratch))
    }
  }

  /// Emits what sets the states to their initial values. Returns the operands of the walk.
  func emitStart(
    _ node: inout Lowering, _ states: RecurrentStates, _ start: RecurrentParams, _ gates: Operand,
    _ panels: Operand, _ own: Operand?
  ) throws(MaasError) -> [Operand?] {
    let between = cell == .gru ? try node.temporary(.float, states.shape) : nil
    // With two phases nobody reads another unit's hidden value while it changes.
    let second = start.phases == 1 ? try node.temporary(.float, states.shape) : nil
    let operands = [
      gates, panels, own, node.optionalInput(4), states.initial[0], states.initial[1], states.results[0],
      states.results[1], states.results[2], between, try node.temporary(.uint32, [start.words]), second,
    ]
    node.emit(
      { startRecurrent(Chunk($0, $1, $2, $3)) }, operands, start,
      items: elementCount(states.shape) == 0 ? 0 : 1)
    return operands
  }

  func states(
    _ node: inout Lowering, _ sizes: RecurrentSizes, _ wide: DType
  ) throws(MaasError) -> RecurrentStates {
    let shape = [sizes.directions, sizes.batch, sizes.hidden]
    var states = RecurrentStates(shape: shape)
    states.results[0] = try target(&node, 0, [sizes.steps] + shape, wide)
    for i in 1..<(cell == .lstm ? 3 : 2) {
      states.initial[i - 1] = try initial(&node, i + 4, wide)
      states.results[i] = try target(&node, i, shape, wide)
    }
    return states
  }

  /// Where a result in layout 0 goes: the output itself, a temporary, or nowhere for an unwanted sequence.
  private func target(
    _ node: inout Lowering, _ i: Int, _ shape: [Int], _ wide: DType
  ) throws(MaasError) -> Operand? {
    if let y = node.optionalOutput(i), y.dtype == wide, !batchFirst { return y }
    if node.optionalOutput(i) == nil, i == 0 { return nil }
    return try node.temporary(wide, shape)
  }

  private func initial(_ node: inout Lowering, _ i: Int, _ wide: DType) throws(MaasError) -> Operand? {
    guard let own = node.optionalInput(i) else { return nil }
    let given = try node.converted(own, wide)
    return batchFirst ? try node.swapped(given, 0, 1) : given
  }

  /// Brings a result into the output's layout and element type.
  func deliver(
    _ node: inout Lowering, _ i: Int, _ result: Operand?, _ order: [Int]
  ) throws(MaasError) {
    guard let y = node.optionalOutput(i), let result, y.buffer != result.buffer else { return }
    guard batchFirst else { return node.narrow(result, into: y) }
    let target = y.dtype == result.dtype ? y : try node.temporary(result.dtype, y.shape)
    let strides = contiguousStrides(result.shape)
    try node.emitCopy(
      result, target, y.shape, xStrides: order.map { strides[$0] }, yStrides: contiguousStrides(y.shape))
    node.narrow(target, into: y)
  }
}

struct RecurrentSizes {
  let steps, batch, input, hidden, directions: Int
  /// Pieces that the hidden units are cut into, to share them out among threads.
  var pieces: Int
  /// Steps whose gates are computed together.
  let stretch: Int

  init(_ steps: Int, _ batch: Int, _ input: Int, _ hidden: Int, _ directions: Int) {
    (self.steps, self.batch, self.input) = (steps, batch, input)
    (self.hidden, self.directions) = (hidden, directions)
    pieces = Self.pieces(hidden)
    stretch = Self.stretch(steps, batch, elementCount([batch, directions, hidden]) ?? .max)
  }

  /// Elements between rows of gates: an odd number of cache lines, or a block's rows would meet in a few sets of the
  /// first-level cache.
  func gatesRow(_ cell: Recurrent.Cell) -> Int {
    let floats = 16
    return ((cell.gates * hidden + floats - 1) / floats | 1) * floats
  }

  /// So few that their gates are read from the caches, but enough rows for a product, and stretches that can be
  /// counted.
  private static func stretch(_ steps: Int, _ batch: Int, _ units: Int) -> Int {
    let most = max(65536 / max(units, 1), 64 / max(batch, 1), steps / 64, 1)
    let count = max(steps - 1, 0) / most + 1
    return max(steps - 1, 0) / count + 1
  }

  /// Whether pieces of W's columns are whole panels.
  var piecesArePanels: Bool {
    pieces > 1 && hidden % (pieces * Int(maas_f32_gemm_panel_columns())) == 0
  }

  var whole: Stretch { Stretch(first: 0, count: steps, of: steps) }
  var stretches: [Stretch] {
    stride(from: 0, to: steps, by: stretch).map { first in
      Stretch(first: first, count: min(stretch, steps - first), of: steps)
    }
  }

  /// As many as leave each 32 units and R without more padding.
  private static func pieces(_ hidden: Int) -> Int {
    let whole = maas_f32_gemm_packed_bytes(Int64(hidden), Int64(hidden))
    for pieces in [4, 2] where hidden % pieces == 0 && hidden / pieces >= 32 {
      let one = maas_f32_gemm_packed_bytes(Int64(hidden), Int64(hidden / pieces))
      if one > 0, whole / one >= pieces, whole % one == 0 { return pieces }
    }
    return 1
  }
}

/// A part of the sequence, in the order of the walk.
struct Stretch {
  let first, count: Int
  /// Where it begins for who walks the sequence from its end.
  let reversed: Int

  init(first: Int, count: Int, of steps: Int) {
    (self.first, self.count) = (first, count)
    reversed = steps - first - count
  }
}

/// What goes from step to step, hidden and cell, each of `shape`: where it begins, and where Y, Y_h and Y_c are
/// written.
struct RecurrentStates {
  let shape: [Int]
  var initial: [Operand?] = [nil, nil]
  var results: [Operand?] = [nil, nil, nil]

  init(shape: [Int]) { self.shape = shape }
}

extension MatrixProduct {
  /// One product per direction with its own A, B and C row.
  fileprivate mutating func setDirections(_ count: Int) {
    bCount = count
    guard count > 1 else { return }
    (batch, aBatch, bBatch, yBatch, cBatch) = ([count], [1], [1], [1], [n])
  }
}

extension Lowering {
  /// A copy with two neighbouring dimensions swapped.
  mutating func swapped(_ x: Operand, _ a: Int, _ b: Int) throws(MaasError) -> Operand {
    var (shape, strides) = (x.shape, contiguousStrides(x.shape))
    shape.swapAt(a, b)
    strides.swapAt(a, b)
    let y = try temporary(x.dtype, shape)
    try emitCopy(x, y, shape, xStrides: strides, yStrides: contiguousStrides(shape))
    return y
  }

  /// Emits a walk over a stretch; `params` are what `run` takes.
  mutating func emitWalk<Params: BitwiseCopyable>(
    _ run: maas_step_run, _ operands: [Operand?], _ params: Params, _ walk: RecurrentParams, scratch: Int
  ) {
    emit(
      run, operands, params, items: walk.items, grain: walk.isWorthSharing ? 1 : .max, scratch: scratch,
      kernel: "recurrent")
    if walk.items > 0 { takeInOrder() }
  }

  /// The sum of both halves of B, [directions, width]; of the last `separate` elements only those of W. Nil without B.
  mutating func gateBias(
    _ sizes: RecurrentSizes, _ width: Int, separate: Int
  ) throws(MaasError) -> Operand? {
    guard let b = try widenedOptional(3) else { return nil }
    let y = try temporary(.float, [sizes.directions, width])
    emit(
      { sumOfBiases(Chunk($0, $1, $2, $3)) }, [b, y], (width: width, shared: width - separate),
      items: y.count,
      grain: grain(nanoseconds: 1))
    return y
  }
}

/// b [directions, 2, width], y [directions, width].
private func sumOfBiases(_ chunk: Chunk) -> Int32 {
  let (width, shared) = chunk.params((width: Int, shared: Int).self).pointee
  let (b, y) = (chunk.input(0, as: Float.self), chunk.output(1, as: Float.self))
  for i in chunk.begin..<chunk.end {
    let first = i / width * 2 * width + i % width
    y[i] = i % width < shared ? b[first] + b[first + width] : b[first]
  }
  return StepStatus.ok
}
