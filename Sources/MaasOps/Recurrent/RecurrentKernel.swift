import CMaasKernels
import CMaasSystem
import MaasCore

struct RecurrentParams {
  let cell: Recurrent.Cell
  let steps, batch, hidden, directions: Int
  let gates: GatesLayout
  /// What this step walks.
  let stretch: Stretch
  /// Rows of the batch that go together, and how many such blocks there are.
  let rows, blocks: Int
  /// Elements between the states of neighbouring chains; 0 where states are where the results go.
  let statesGap: Int
  /// Hidden units that one item computes, and how many such pieces there are.
  let units, pieces: Int
  /// How often all items of a time step wait for each other: GRU's candidate may need the reset gates of all units.
  let phases: Int
  let scratch: Int64
  /// Elements of the packed part of R for one piece of one gate.
  let panel: Int
  let firstIsReverse: Bool
  let linearBeforeReset: Bool
  let clip: Float
  /// What is multiplied by R at the beginning of a step, and GRU's product for its candidate: for `rows` rows, and for
  /// the rows of the last block.
  private let products: InlineArray<2, RecurrentProduct>
  private let candidates: InlineArray<2, RecurrentProduct>
  /// One of each direction.
  private let cells: InlineArray<2, maas_f32_lstm_params>

  init(_ op: Recurrent, _ sizes: RecurrentSizes, _ stretch: Stretch) {
    cell = op.cell
    self.stretch = stretch
    (steps, batch, hidden, directions) = (sizes.steps, sizes.batch, sizes.hidden, sizes.directions)
    gates = sizes.gates(op.cell)
    (rows, blocks, statesGap) = (sizes.rows, sizes.blocks, sizes.statesGap)
    firstIsReverse = op.direction == .reverse
    (linearBeforeReset, clip) = (op.linearBeforeReset, op.clip)
    pieces = sizes.pieces
    units = hidden / pieces
    phases = op.cell == .gru && !op.linearBeforeReset ? 2 : 1
    panel = Int(maas_f32_gemm_packed_bytes(Int64(hidden), Int64(units))) / 4
    let last = max(1, sizes.batch - (blocks - 1) * rows)
    products = [
      RecurrentProduct(op.cell, rows, sizes), RecurrentProduct(op.cell, last, sizes),
    ]
    candidates = [
      RecurrentProduct(candidateOf: op, rows, sizes), RecurrentProduct(candidateOf: op, last, sizes),
    ]
    let perDirection = op.activations.count / sizes.directions
    cells = [cellParams(op, 0, sizes), cellParams(op, op.activations.count - perDirection, sizes)]
    scratch = max(
      max(products[0].split.scratch, products[1].split.scratch),
      max(candidates[0].split.scratch, candidates[1].split.scratch))
  }

  /// Independent walks over the sequence: a block of rows in one direction each.
  var chains: Int { directions * blocks }
  var items: Int { chains * sequence }
  /// Items of a chain in this step.
  var sequence: Int { stretch.count * phases * pieces }
  /// Of a chain: one that counts, and one for each phase.
  var words: Int { 1 + steps * phases }

  /// Whether an item is long beside what it costs to take it, and there are enough for two.
  var isWorthSharing: Bool {
    let nanoseconds = elementCount([rows, units, cell.gates, hidden / 32 + 1]) ?? .max
    return chains * pieces > 1 && nanoseconds > 400 && items > 60_000 / nanoseconds
  }

  /// Where the states of a row of a chain begin; of all directions' rows it is the i-th.
  func states(of i: Int, in chain: Int) -> Int {
    RecurrentSizes.separates ? i * hidden + chain * statesGap : i * hidden
  }
  /// The same for who does not know the chain.
  func states(of i: Int) -> Int { states(of: i, in: i / batch * blocks + i % batch / rows) }
  /// Elements of all states.
  var statesCount: Int { directions * batch * hidden + chains * statesGap }

  func product(_ isLast: Bool) -> RecurrentProduct { products[isLast ? 1 : 0] }
  func candidate(_ isLast: Bool) -> RecurrentProduct { candidates[isLast ? 1 : 0] }
  /// Of RNN and GRU only the activations count.
  func cell(_ direction: Int) -> maas_f32_lstm_params { cells[direction] }
}

/// A product of hidden values with R or a part of it.
struct RecurrentProduct {
  private(set) var params = maas_f32_gemm_params()
  let split: maas_split

  /// gates += hidden R', in place; of GRU the gates z and r.
  init(_ cell: Recurrent.Cell, _ rows: Int, _ sizes: RecurrentSizes) {
    self.init(rows, sizes, yRow: sizes.gates(cell).row) { params in
      guard cell != .rnn else { return }
      params.batch_rank = 1
      assign(&params.batch, [cell == .gru ? 2 : 4])
      assign(&params.b_batch, [sizes.pieces])
      assign(&params.y_batch, [sizes.hidden])
    }
  }

  /// GRU: what is added to the candidate gate, or what the reset gate multiplies.
  init(candidateOf op: Recurrent, _ rows: Int, _ sizes: RecurrentSizes) {
    self.init(rows, sizes, yRow: op.linearBeforeReset ? sizes.hidden : sizes.gates(.gru).row) { params in
      (params.beta, params.c_col) = (op.linearBeforeReset ? 1 : 0, 1)
    }
  }

  private init(
    _ rows: Int, _ sizes: RecurrentSizes, yRow: Int, _ complete: (inout maas_f32_gemm_params) -> Void
  ) {
    var own = maas_f32_gemm_params()
    let hidden = Int64(sizes.hidden)
    (own.m, own.n, own.k) = (Int64(rows), hidden / Int64(sizes.pieces), hidden)
    (own.a_row, own.a_col, own.y_row) = (hidden, 1, Int64(yRow))
    (own.alpha, own.beta) = (1, 0)
    complete(&own)
    split = maas_f32_gemm_split(&own)
    params = own
  }
}

private func cellParams(_ op: Recurrent, _ first: Int, _ sizes: RecurrentSizes) -> maas_f32_lstm_params {
  var params = maas_f32_lstm_params()
  let hidden = sizes.hidden
  (params.hidden, params.units) = (Int64(hidden), Int64(hidden / sizes.pieces))
  (params.gates_row, params.y_row, params.k) = (
    Int64(sizes.gates(.lstm).row), Int64(hidden), Int64(hidden)
  )
  params.r_gate = maas_f32_gemm_packed_bytes(params.k, params.units) / 4 * Int64(sizes.pieces)
  params.f = op.activations[first]
  if op.cell != .rnn { params.g = op.activations[first + 1] }
  if op.cell == .lstm { params.h = op.activations[first + 2] }
  (params.clip, params.input_forget) = (op.clip, op.inputForget)
  return params
}

/// What steps of this kind work on: gates as GatesLayout tells (destroyed), packed R, LSTM's peephole or GRU's B or NULL,
/// int32 lengths or NULL, initial hidden or NULL, initial cell or NULL, y or NULL, hidden, cell or NULL, GRU's memory of
/// the size of hidden, the words, a second memory for hidden or NULL. Hidden and cell are [directions, batch, hidden]
/// with `statesGap` between chains.
///
/// Sets hidden and cell to their initial values, or to 0 where a sequence has length 0, and the words to 0.
func startRecurrent(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(RecurrentParams.self)
  let (batch, row) = (params.pointee.batch, params.pointee.hidden)
  let lengths = chunk.optional(3, as: Int32.self)
  func start(_ from: Int, _ target: UnsafeMutablePointer<Float>) {
    let source = chunk.optional(from, as: Float.self)
    for i in 0..<params.pointee.directions * batch {
      let own = target + params.pointee.states(of: i)
      if let source, lengths.map({ $0[i % batch] > 0 }) ?? true {
        maas_sys_copy(own, source + i * row, row * 4)
      } else {
        maas_sys_zero(own, row * 4)
      }
    }
  }
  start(4, chunk.output(hiddenOperand(chunk, -1), as: Float.self))
  if params.pointee.cell == .lstm { start(5, chunk.output(8, as: Float.self)) }
  maas_sys_zero(chunk.output(10, as: UInt32.self), params.pointee.chains * params.pointee.words * 4)
  return StepStatus.ok
}

/// States of chains, [directions, batch, hidden].
func finishRecurrent(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(RecurrentParams.self)
  let row = params.pointee.hidden
  for i in chunk.begin..<chunk.end {
    let from = chunk.input(0, as: Float.self) + params.pointee.states(of: i)
    maas_sys_copy(chunk.output(1, as: Float.self) + i * row, from, row * 4)
  }
  return StepStatus.ok
}

/// Where the hidden values after the i-th step are: in turn in two places, of which the last is the result's.
func hiddenOperand(_ chunk: Chunk, _ i: Int) -> Int {
  let after = chunk.params(RecurrentParams.self).pointee.steps - 1 - i
  return chunk.address(11) == nil || after % 2 == 0 ? 7 : 11
}

/// Each item is a piece of a phase of a chain. An item waits for all of the phase before: those have lower numbers, so
/// somebody has taken them already and will end.
func runRecurrent(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(RecurrentParams.self)
  for item in chunk.begin..<chunk.end {
    guard !chunk.isStopped, let item = SequenceItem(chunk, params, item) else { return StepStatus.stopped }
    item.run()
  }
  return StepStatus.ok
}

/// A piece of one time step for one block of rows in one direction.
struct SequenceItem {
  let chunk: Chunk
  let params: UnsafePointer<RecurrentParams>
  let direction, row, rows: Int
  let isLast: Bool
  let phase, time: Int
  /// How many steps of the chain come before.
  let index: Int
  /// Pieces of the chain that have ended.
  private let count: UnsafeMutablePointer<UInt32>
  /// Its lowest bits are the pieces of this phase that somebody has.
  let claims: UnsafeMutablePointer<UInt32>
  /// The step's place among the gates.
  private let place: Int
  let chain, piece: Int
  let isReverse: Bool

  /// Nil when the run is to end.
  init?(_ chunk: Chunk, _ params: UnsafePointer<RecurrentParams>, _ item: Int) {
    self.chunk = chunk
    self.params = params
    let p = params
    let done: Int
    (chain, done) = (item / p.pointee.pieces).quotientAndRemainder(
      dividingBy: p.pointee.stretch.count * p.pointee.phases)
    let phases = p.pointee.stretch.first * p.pointee.phases + done
    (index, phase) = (phases / p.pointee.phases, phases % p.pointee.phases)
    direction = chain / p.pointee.blocks
    let block = chain % p.pointee.blocks
    row = block * p.pointee.rows
    isLast = block == p.pointee.blocks - 1
    rows = isLast ? p.pointee.batch - row : p.pointee.rows
    isReverse = p.pointee.firstIsReverse || direction == 1
    time = isReverse ? p.pointee.steps - 1 - index : index
    place = time - (isReverse ? p.pointee.stretch.reversed : p.pointee.stretch.first)
    count = chunk.output(10, as: UInt32.self) + chain * p.pointee.words
    claims = count + 1 + phases
    let before = UInt32(truncatingIfNeeded: phases * p.pointee.pieces)
    guard awaitCount(count, before, chunk) else { return nil }
    piece = claimPiece(
      claims, of: p.pointee.pieces, home: p.pointee.chains == 1 ? chunk.home(of: p.pointee.pieces) : 0,
      round: UInt32(truncatingIfNeeded: phases))
  }

  func run() {
    switch params.pointee.cell {
    case .lstm: stepLSTM()
    case .gru: stepGRU()
    case .rnn: stepRNN()
    }
    end(1)
  }

  /// Counts pieces that have ended.
  func end(_ pieces: UInt32) { maas_sys_fetch_add32(count, pieces) }

  /// The first unit of the piece.
  var unit: Int { piece * params.pointee.units }
  /// Where the block's states begin.
  private var state: Int { params.pointee.states(of: direction * params.pointee.batch + row, in: chain) }
  /// Hidden values of all units before this step, and after it.
  var before: UnsafeMutablePointer<Float> { floats(hiddenOperand(chunk, index - 1)) + state }
  var after: UnsafeMutablePointer<Float> { floats(hiddenOperand(chunk, index)) + state }
  var between: UnsafeMutablePointer<Float> { floats(9) + state }
  /// A gate of the piece, row by row.
  func gate(_ i: Int) -> UnsafeMutablePointer<Float> {
    let gates = params.pointee.gates
    let first = direction * gates.direction + chain % params.pointee.blocks * gates.block + place * gates.step
    return floats(0) + first + i * params.pointee.hidden + unit
  }

  private func floats(_ operand: Int) -> UnsafeMutablePointer<Float> { chunk.output(operand, as: Float.self) }

  /// The piece's part of R for a gate.
  private func packed(gate: Int) -> UnsafeMutablePointer<Float> {
    let matrix = (direction * params.pointee.cell.gates + gate) * params.pointee.pieces + piece
    return floats(1) + matrix * params.pointee.panel
  }

  /// y = a R', plus what y holds, plus `bias`, for the piece. R begins at the named gate.
  func multiply(
    _ a: UnsafeMutablePointer<Float>, gate: Int, _ bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ product: RecurrentProduct, adding: Bool
  ) {
    chunk.call(
      maas_f32_gemm,
      [
        UnsafeMutableRawPointer(a), UnsafeMutableRawPointer(packed(gate: gate)),
        UnsafeMutableRawPointer(mutating: bias), adding ? UnsafeMutableRawPointer(y) : nil,
        UnsafeMutableRawPointer(y), nil, nil, nil,
      ], product.params, product.split)
  }

  /// Unless it `multiplies`, the gates hold the product of the hidden values with R already.
  func stepLSTM(multiplies: Bool = true) {
    for r in 0..<rows where !isLive(r) { keep(r) }
    var cell = params.pointee.cell(direction)
    (cell.rows, cell.time) = (Int64(rows), Int64(time))
    if !multiplies { cell.k = 0 }
    let split = maas_f32_lstm_split(&cell)
    let peephole = chunk.address(2).map { $0 + (direction * 3 * params.pointee.hidden + unit) * 4 }
    let lengths = chunk.address(3).map { $0 + row * 4 }
    chunk.call(
      maas_f32_lstm,
      [
        UnsafeMutableRawPointer(gate(0)), UnsafeMutableRawPointer(floats(8) + state + unit), peephole,
        lengths, UnsafeMutableRawPointer(after + unit), y.map { UnsafeMutableRawPointer($0) },
        UnsafeMutableRawPointer(before), UnsafeMutableRawPointer(packed(gate: 0)),
      ], cell, split)
  }

  /// The piece's part of Y.
  var y: UnsafeMutablePointer<Float>? {
    guard chunk.address(6) != nil else { return nil }
    let first = ((time * params.pointee.directions + direction) * params.pointee.batch + row)
    return floats(6) + first * params.pointee.hidden + unit
  }

  /// The hidden values of a sequence that has ended stay.
  func keep(_ r: Int) {
    let place = r * params.pointee.hidden + unit
    if before != after { maas_sys_copy(after + place, before + place, params.pointee.units * 4) }
  }

  /// Whether row `r` of the block still has elements.
  func isLive(_ r: Int) -> Bool {
    guard let lengths = chunk.optional(3, as: Int32.self) else { return true }
    return time < Int(lengths[row + r])
  }
}

/// Waits until `count` items have ended; false when the run is to end, since then they may never.
private func awaitCount(_ word: UnsafeMutablePointer<UInt32>, _ count: UInt32, _ chunk: Chunk) -> Bool {
  var tries = 0
  while maas_sys_load32(word) < count {
    tries += 1
    // Where threads outnumber the CPUs, the one waited for may not be running.
    guard tries % 1024 == 0 else {
      maas_sys_pause()
      continue
    }
    if chunk.isStopped { return false }
    maas_sys_yield()
  }
  return true
}

extension Chunk {
  /// Of two threads that share the pieces: the bits of those whose gates this one has mostly computed, where the step
  /// before dealt out the same pieces in order. Elsewhere a choice as good as another.
  fileprivate func home(of pieces: Int) -> UInt32 {
    guard worker.pointee.slots == 2 else { return 0 }
    let low: UInt32 = 1 << UInt32(pieces / 2) - 1
    return worker.pointee.slot == 0 ? low : ~low
  }
}

/// Takes a piece that nobody else has, if possible one at home or that this thread had in the round before: its part of
/// R is in this core's cache. Rounds go up and down in turn, since what was used last is the surest to be there.
private func claimPiece(
  _ word: UnsafeMutablePointer<UInt32>, of pieces: Int, home: UInt32, round: UInt32
) -> Int {
  if pieces == 1 { return 0 }
  // Pieces of the round before, of this round, and the round.
  let mine = maas_sys_thread_words().unsafelyUnwrapped
  if mine[2] != round { (mine[0], mine[1], mine[2]) = (mine[1], 0, round) }
  while true {
    let taken = maas_sys_load32(word)
    let free = ~taken & (1 << UInt32(pieces) - 1)
    let wanted = free & home != 0 ? free & home : free & mine[0] != 0 ? free & mine[0] : free
    let piece = round % 2 == 0 ? wanted.trailingZeroBitCount : 31 - wanted.leadingZeroBitCount
    if maas_sys_exchange_if32(word, taken, taken | 1 << UInt32(piece)) {
      mine[1] |= 1 << UInt32(piece)
      return piece
    }
  }
}
