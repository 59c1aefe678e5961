import CMaasSystem
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
    (product.yRow, product.yStep) = (sizes.gates(cell).row, sizes.gates(cell).direction)
    return product
  }

  /// The same product of what bringToBlocks wrote: who walks a block has computed its gates.
  private func byBlocks(_ whole: MatrixProduct, _ stretch: Stretch, _ sizes: RecurrentSizes) -> MatrixProduct
  {
    var product = whole
    product.m = stretch.count * sizes.rows
    product.batch = [sizes.directions, sizes.blocks]
    (product.aBatch, product.aStep, product.aOffset) = ([sizes.blocks, 1], nil, 0)
    (product.bBatch, product.cBatch) = ([1, 0], [product.n, 0])
    (product.yBatch, product.yStep) = ([sizes.blocks, 1], sizes.gates(cell).block)
    return product
  }

  /// The same product of one direction, piece by piece: who walks a piece has computed its gates.
  private func byPieces(_ whole: MatrixProduct, _ sizes: RecurrentSizes) -> MatrixProduct {
    var product = whole
    product.n = sizes.hidden / sizes.pieces
    product.batch = [sizes.pieces, cell.gates]
    (product.aBatch, product.bBatch) = ([0, 0], [1, sizes.pieces])
    product.cBatch = [product.n, sizes.hidden]
    (product.yBatch, product.yStep) = ([product.n, sizes.hidden], 1)
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
    let gates = try node.temporary(.float, sizes.gatesShape(cell))
    let w = try node.widenedInput(1)
    let right = w.constant == nil ? w : try node.panels(w, inputProduct(sizes.whole, sizes))
    let biases = try node.gateBias(sizes, width, separate: linearBeforeReset ? sizes.hidden : 0)
    let apart =
      RecurrentSizes.separates && sizes.blocks > 1 ? try node.temporary(.float, sizes.blockShape) : nil
    let panels = try node.panels(try node.widenedInput(2), recurrence(sizes))
    let own = cell == .lstm ? 7 : linearBeforeReset ? 3 : nil
    let start = RecurrentParams(self, sizes, sizes.whole)
    let operands = try emitStart(
      &node, states, start, gates, panels,
      try own.flatMap { (i) throws(MaasError) in try node.widenedOptional(i) })
    for stretch in sizes.stretches {
      let params = RecurrentParams(self, sizes, stretch)
      var product = inputProduct(stretch, sizes)
      if let apart {
        node.emitBlocks(x, apart, params, sizes)
        product = byBlocks(product, stretch, sizes)
      } else if RecurrentSizes.separates, params.isWorthSharing, params.chains == 1, sizes.piecesArePanels {
        product = byPieces(product, sizes)
      }
      node.emitProduct(product, apart ?? x, right, productForm(w), biases, nil, gates)
      node.emitWalk(
        { runRecurrent(Chunk($0, $1, $2, $3)) }, operands, params, params, scratch: Int(params.scratch))
    }
    emitFinish(&node, operands, states, start)
  }

  /// Emits what sets the states to their initial values. Returns the operands of the walk.
  func emitStart(
    _ node: inout Lowering, _ states: RecurrentStates, _ start: RecurrentParams, _ gates: Operand,
    _ panels: Operand, _ own: Operand?
  ) throws(MaasError) -> [Operand?] {
    let shape = [start.statesCount]
    let between = cell == .gru ? try node.temporary(.float, shape) : nil
    // With two phases nobody reads another unit's hidden value while it changes.
    let second = start.phases == 1 ? try node.temporary(.float, shape) : nil
    var (hidden, cells) = (states.results[1], states.results[2])
    if start.statesGap > 0 {
      hidden = try node.temporary(.float, shape)
      if cell == .lstm { cells = try node.temporary(.float, shape) }
    }
    let operands = [
      gates, panels, own, node.optionalInput(4), states.initial[0], states.initial[1], states.results[0],
      hidden, cells, between,
      try node.temporary(.uint32, [start.chains * start.words]), second,
    ]
    node.emit(
      { startRecurrent(Chunk($0, $1, $2, $3)) }, operands, start,
      items: elementCount(states.shape) == 0 ? 0 : 1)
    return operands
  }

  /// Emits what brings the last states to the results, where they are elsewhere.
  func emitFinish(
    _ node: inout Lowering, _ operands: [Operand?], _ states: RecurrentStates, _ start: RecurrentParams
  ) {
    guard RecurrentSizes.separates, start.statesGap > 0 else { return }
    for i in 1...2 where node.optionalOutput(i) != nil {
      node.emit(
        { finishRecurrent(Chunk($0, $1, $2, $3)) }, [operands[6 + i], states.results[i]], start,
        items: start.directions * start.batch)
    }
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

  /// Emits what brings X of a stretch to blocks of rows, those of a block side by side.
  mutating func emitBlocks(_ x: Operand, _ y: Operand, _ walk: RecurrentParams, _ sizes: RecurrentSizes) {
    let stretch = walk.stretch
    let params = BlocksParams(
      batch: sizes.batch, input: sizes.input, rows: sizes.rows, blocks: sizes.blocks, count: stretch.count,
      first: walk.firstIsReverse ? stretch.reversed : stretch.first, second: stretch.reversed)
    emit(
      { bringToBlocks(Chunk($0, $1, $2, $3)) }, [x, y], params, items: walk.chains,
      grain: walk.isWorthSharing ? 1 : .max)
  }

  /// Emits a walk over a stretch; `params` are what `run` takes.
  mutating func emitWalk<Params: BitwiseCopyable>(
    _ run: maas_step_run, _ operands: [Operand?], _ params: Params, _ walk: RecurrentParams, scratch: Int
  ) {
    emit(
      run, operands, params, items: walk.items, grain: walk.isWorthSharing ? 1 : .max, scratch: scratch,
      kernel: "recurrent")
    if walk.items > 0 { takeInOrder(walk.sequence) }
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

private struct BlocksParams {
  let batch, input, rows, blocks: Int
  /// Steps of the stretch, and where it begins for the first and the second direction.
  let count, first, second: Int
}

/// x [steps, batch, input], y [directions, blocks, steps of the stretch, rows, input]. Rows behind the last of the
/// batch are 0.
private func bringToBlocks(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(BlocksParams.self)
  for chain in chunk.begin..<chunk.end {
    let row = chain % p.pointee.blocks * p.pointee.rows
    let held = min(p.pointee.rows, p.pointee.batch - row) * p.pointee.input
    let block = p.pointee.rows * p.pointee.input
    let first = chain < p.pointee.blocks ? p.pointee.first : p.pointee.second
    for i in 0..<p.pointee.count {
      let x = chunk.input(0, as: Float.self) + ((first + i) * p.pointee.batch + row) * p.pointee.input
      let y = chunk.output(1, as: Float.self) + (chain * p.pointee.count + i) * block
      maas_sys_copy(y, x, held * 4)
      maas_sys_zero(y + held, (block - held) * 4)
    }
  }
  return StepStatus.ok
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
