import CMaasKernels
import CMaasSystem

struct RecurrentParams {
  let cell: Recurrent.Cell
  let steps, batch, hidden, directions: Int
  /// Rows of the batch that one item walks, and how many such blocks there are.
  let rows, blocks: Int
  let scratch: Int64
  /// Elements of one direction's packed R, and of the part of it that one product takes.
  let panel, gatePanel: Int
  let firstIsReverse: Bool
  let linearBeforeReset: Bool
  let clip: Float
  /// What is multiplied by R at the beginning of a step, and GRU's product for its candidate: for `rows` rows, and for
  /// the rows of the last block.
  private let products: InlineArray<2, RecurrentProduct>
  private let candidates: InlineArray<2, RecurrentProduct>
  /// One of each direction.
  private let cells: InlineArray<2, maas_f32_lstm_params>

  init(_ op: Recurrent, _ sizes: RecurrentSizes) {
    cell = op.cell
    (steps, batch, hidden, directions) = (sizes.steps, sizes.batch, sizes.hidden, sizes.directions)
    rows = max(1, min(16, sizes.batch))
    blocks = (sizes.batch + rows - 1) / rows
    firstIsReverse = op.direction == .reverse
    (linearBeforeReset, clip) = (op.linearBeforeReset, op.clip)
    let pieces = op.cell == .gru ? 3 : 1
    let width = op.cell.gates * hidden / pieces
    gatePanel = Int(maas_f32_gemm_packed_bytes(Int64(hidden), Int64(width))) / 4
    panel = gatePanel * pieces
    let last = max(1, sizes.batch - (blocks - 1) * rows)
    products = [
      RecurrentProduct(op.cell, rows, hidden), RecurrentProduct(op.cell, last, hidden),
    ]
    candidates = [
      RecurrentProduct(candidateOf: op, rows, hidden), RecurrentProduct(candidateOf: op, last, hidden),
    ]
    let perDirection = op.activations.count / sizes.directions
    cells = [cellParams(op, 0, hidden), cellParams(op, op.activations.count - perDirection, hidden)]
    scratch = max(
      max(products[0].split.scratch, products[1].split.scratch),
      max(candidates[0].split.scratch, candidates[1].split.scratch))
  }

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
  init(_ cell: Recurrent.Cell, _ rows: Int, _ hidden: Int) {
    self.init(rows, n: cell == .lstm ? 4 * hidden : hidden, hidden, yRow: cell.gates * hidden) { params in
      guard cell == .gru else { return }
      params.batch_rank = 1
      assign(&params.batch, [2])
      assign(&params.b_batch, [1])
      assign(&params.y_batch, [hidden])
    }
  }

  /// GRU: what is added to the candidate gate, or what the reset gate multiplies.
  init(candidateOf op: Recurrent, _ rows: Int, _ hidden: Int) {
    self.init(rows, n: hidden, hidden, yRow: op.linearBeforeReset ? hidden : 3 * hidden) { params in
      (params.beta, params.c_col) = (op.linearBeforeReset ? 1 : 0, 1)
    }
  }

  private init(
    _ rows: Int, n: Int, _ hidden: Int, yRow: Int, _ complete: (inout maas_f32_gemm_params) -> Void
  ) {
    var own = maas_f32_gemm_params()
    (own.m, own.n, own.k) = (Int64(rows), Int64(n), Int64(hidden))
    (own.a_row, own.a_col, own.y_row) = (Int64(hidden), 1, Int64(yRow))
    (own.alpha, own.beta) = (1, 0)
    complete(&own)
    split = maas_f32_gemm_split(&own)
    params = own
  }
}

private func cellParams(_ op: Recurrent, _ first: Int, _ hidden: Int) -> maas_f32_lstm_params {
  var params = maas_f32_lstm_params()
  params.hidden = Int64(hidden)
  (params.gates_row, params.y_row) = (4 * Int64(hidden), Int64(hidden))
  params.f = op.activations[first]
  if op.cell != .rnn { params.g = op.activations[first + 1] }
  if op.cell == .lstm { params.h = op.activations[first + 2] }
  (params.clip, params.input_forget) = (op.clip, op.inputForget)
  return params
}

/// gates [directions, steps, batch, gates x hidden] (destroyed), packed R, LSTM's peephole or GRU's B or NULL, int32
/// lengths or NULL, initial hidden or NULL, initial cell or NULL, y or NULL, hidden, cell or NULL, GRU's memory of the
/// size of hidden. Items are blocks of rows of each direction.
func runRecurrent(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(RecurrentParams.self)
  for item in chunk.begin..<chunk.end {
    let walk = SequenceWalk(chunk, params, item)
    walk.start()
    for i in 0..<params.pointee.steps {
      if chunk.isStopped { return StepStatus.stopped }
      walk.run(walk.isReverse ? params.pointee.steps - 1 - i : i)
    }
  }
  return StepStatus.ok
}

/// One block of rows in one direction.
struct SequenceWalk {
  let chunk: Chunk
  let params: UnsafePointer<RecurrentParams>
  let direction, row, rows: Int
  let isLast: Bool
  /// Where the block begins in everything of the states' shape.
  private let state: Int

  init(_ chunk: Chunk, _ params: UnsafePointer<RecurrentParams>, _ item: Int) {
    self.chunk = chunk
    self.params = params
    let (blocks, block) = (params.pointee.blocks, item % params.pointee.blocks)
    direction = item / blocks
    row = block * params.pointee.rows
    isLast = block == blocks - 1
    rows = isLast ? params.pointee.batch - row : params.pointee.rows
    state = (direction * params.pointee.batch + row) * params.pointee.hidden
  }

  var isReverse: Bool { params.pointee.firstIsReverse || direction == 1 }
  var hidden: UnsafeMutablePointer<Float> { floats(7) + state }
  var between: UnsafeMutablePointer<Float> { floats(9) + state }

  private func floats(_ operand: Int) -> UnsafeMutablePointer<Float> { chunk.output(operand, as: Float.self) }

  /// Sets hidden and cell to their initial values.
  func start() {
    copyState(4, 7)
    if params.pointee.cell == .lstm { copyState(5, 8) }
  }

  private func copyState(_ from: Int, _ to: Int) {
    let count = rows * params.pointee.hidden
    let target = floats(to) + state
    if let source = chunk.optional(from, as: Float.self) {
      maas_sys_copy(target, source + state, count * 4)
    } else {
      maas_sys_zero(target, count * 4)
    }
  }

  func run(_ time: Int) {
    let p = params
    let width = p.pointee.cell.gates * p.pointee.hidden
    let first = ((direction * p.pointee.steps + time) * p.pointee.batch + row) * width
    let gates = floats(0) + first
    multiply(hidden, gate: 0, nil, gates, p.pointee.product(isLast), adding: true)
    switch p.pointee.cell {
    case .lstm: finishLSTM(gates, time)
    case .gru: finishGRU(gates, time)
    case .rnn: finishRNN(gates, time)
    }
  }

  /// y = a R', plus what y holds, plus `bias`. R begins at the named gate.
  func multiply(
    _ a: UnsafeMutablePointer<Float>, gate: Int, _ bias: UnsafePointer<Float>?,
    _ y: UnsafeMutablePointer<Float>, _ product: RecurrentProduct, adding: Bool
  ) {
    let panels = floats(1) + direction * params.pointee.panel + gate * params.pointee.gatePanel
    let residual = adding ? UnsafeMutableRawPointer(y) : nil
    chunk.call(
      maas_f32_gemm,
      [
        UnsafeMutableRawPointer(a), UnsafeMutableRawPointer(panels),
        UnsafeMutableRawPointer(mutating: bias), residual, UnsafeMutableRawPointer(y), nil,
      ], product.params, product.split)
  }

  private func finishLSTM(_ gates: UnsafeMutablePointer<Float>, _ time: Int) {
    var cell = params.pointee.cell(direction)
    (cell.rows, cell.time) = (Int64(rows), Int64(time))
    let split = maas_f32_lstm_split(&cell)
    let peephole = chunk.address(2).map { $0 + direction * 3 * params.pointee.hidden * 4 }
    let lengths = chunk.address(3).map { $0 + row * 4 }
    chunk.call(
      maas_f32_lstm,
      [
        UnsafeMutableRawPointer(gates), UnsafeMutableRawPointer(floats(8) + state), peephole, lengths,
        UnsafeMutableRawPointer(hidden), y(time).map { UnsafeMutableRawPointer($0) },
      ], cell, split)
  }

  /// The block's part of Y at a time.
  func y(_ time: Int) -> UnsafeMutablePointer<Float>? {
    guard chunk.address(6) != nil else { return nil }
    let first = ((time * params.pointee.directions + direction) * params.pointee.batch + row)
    return floats(6) + first * params.pointee.hidden
  }

  /// Whether row `r` of the block still has elements at a time.
  func isLive(_ r: Int, _ time: Int) -> Bool {
    guard let lengths = chunk.optional(3, as: Int32.self) else { return true }
    return time < Int(lengths[row + r])
  }
}
