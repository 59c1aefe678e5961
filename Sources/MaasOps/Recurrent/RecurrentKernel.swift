import CMaasKernels
import CMaasSystem

struct LSTMParams {
  let steps, batch, hidden, directions: Int
  /// Rows of the batch that one item walks, and how many such blocks there are.
  let rows, blocks: Int
  let scratch: Int64
  /// Elements of one direction's packed R.
  let panel: Int
  let firstIsReverse: Bool
  /// For `rows` rows, and for the rows of the last block.
  private let products: (maas_f32_gemm_params, maas_f32_gemm_params)
  private let splits: (maas_split, maas_split)
  /// One for each direction.
  private let cells: (maas_f32_lstm_params, maas_f32_lstm_params)

  init(_ lstm: LSTM, _ sizes: LSTMSizes) {
    (steps, batch, hidden, directions) = (sizes.steps, sizes.batch, sizes.hidden, sizes.directions)
    rows = max(1, min(16, sizes.batch))
    blocks = (sizes.batch + rows - 1) / rows
    firstIsReverse = lstm.direction == .reverse
    panel = Int(maas_f32_gemm_packed_bytes(Int64(hidden), 4 * Int64(hidden))) / 4
    var whole = recurrence(rows, hidden)
    var last = recurrence(max(1, sizes.batch - (blocks - 1) * rows), hidden)
    splits = (maas_f32_gemm_split(&whole), maas_f32_gemm_split(&last))
    products = (whole, last)
    cells = (cellParams(lstm, 0, hidden), cellParams(lstm, lstm.activations.count - 3, hidden))
    scratch = max(splits.0.scratch, splits.1.scratch)
  }

  func product(_ isLast: Bool) -> maas_f32_gemm_params { isLast ? products.1 : products.0 }
  func split(_ isLast: Bool) -> maas_split { isLast ? splits.1 : splits.0 }
  func cell(_ direction: Int) -> maas_f32_lstm_params { direction == 0 ? cells.0 : cells.1 }
}

/// gates += hidden R', in place.
private func recurrence(_ rows: Int, _ hidden: Int) -> maas_f32_gemm_params {
  var params = maas_f32_gemm_params()
  (params.m, params.n, params.k) = (Int64(rows), 4 * Int64(hidden), Int64(hidden))
  (params.a_row, params.a_col, params.y_row) = (Int64(hidden), 1, params.n)
  (params.alpha, params.beta) = (1, 0)
  return params
}

private func cellParams(_ lstm: LSTM, _ first: Int, _ hidden: Int) -> maas_f32_lstm_params {
  var params = maas_f32_lstm_params()
  params.hidden = Int64(hidden)
  (params.gates_row, params.y_row) = (4 * Int64(hidden), Int64(hidden))
  (params.f, params.g, params.h) = (
    lstm.activations[first], lstm.activations[first + 1], lstm.activations[first + 2]
  )
  (params.clip, params.input_forget) = (lstm.clip, lstm.inputForget)
  return params
}

/// gates [directions, steps, batch, 4 hidden] (destroyed), packed R, peephole or NULL, int32 lengths or NULL, initial
/// hidden or NULL, initial cell or NULL, y or NULL, hidden, cell. Items are blocks of rows of each direction.
func runLSTM(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(LSTMParams.self)
  for item in chunk.begin..<chunk.end {
    let walk = SequenceWalk(chunk, params, item)
    walk.start()
    for i in 0..<params.pointee.steps { walk.run(walk.isReverse ? params.pointee.steps - 1 - i : i) }
  }
  return StepStatus.ok
}

/// One block of rows in one direction.
private struct SequenceWalk {
  private let chunk: Chunk
  private let params: UnsafePointer<LSTMParams>
  private let direction, row, rows: Int
  private let isLast: Bool
  private let state: Int

  init(_ chunk: Chunk, _ params: UnsafePointer<LSTMParams>, _ item: Int) {
    self.chunk = chunk
    self.params = params
    let (p, block) = (params.pointee, item % params.pointee.blocks)
    direction = item / p.blocks
    row = block * p.rows
    isLast = block == p.blocks - 1
    rows = isLast ? p.batch - row : p.rows
    state = (direction * p.batch + row) * p.hidden
  }

  var isReverse: Bool { params.pointee.firstIsReverse || direction == 1 }

  /// Sets hidden and cell to their initial values.
  func start() {
    copyState(4, 7)
    copyState(5, 8)
  }

  private func copyState(_ from: Int, _ to: Int) {
    let count = rows * params.pointee.hidden
    let target = chunk.output(to, as: Float.self) + state
    if let source = chunk.optional(from, as: Float.self) {
      maas_sys_copy(target, source + state, count * 4)
    } else {
      maas_sys_zero(target, count * 4)
    }
  }

  func run(_ time: Int) {
    let p = params
    let width = 4 * p.pointee.hidden
    let first = ((direction * p.pointee.steps + time) * p.pointee.batch + row) * width
    let gates = UnsafeMutableRawPointer(chunk.output(0, as: Float.self) + first)
    let panels = UnsafeMutableRawPointer(chunk.output(1, as: Float.self) + direction * p.pointee.panel)
    let hidden = UnsafeMutableRawPointer(chunk.output(7, as: Float.self) + state)
    var product = p.pointee.product(isLast)
    step([hidden, panels, nil, gates, gates, nil], &product, p.pointee.split(isLast), maas_f32_gemm)

    var cell = p.pointee.cell(direction)
    (cell.rows, cell.time) = (Int64(rows), Int64(time))
    let split = maas_f32_lstm_split(&cell)
    let y = chunk.address(6).map { base in
      base + ((time * p.pointee.directions + direction) * p.pointee.batch + row) * p.pointee.hidden * 4
    }
    let peephole = chunk.address(2).map { $0 + direction * 3 * p.pointee.hidden * 4 }
    let lengths = chunk.address(3).map { $0 + row * 4 }
    let memory = UnsafeMutableRawPointer(chunk.output(8, as: Float.self) + state)
    step([gates, memory, peephole, lengths, hidden, y], &cell, split, maas_f32_lstm)
  }

  /// Runs a kernel on the calling thread.
  private func step<Params: BitwiseCopyable>(
    _ operands: InlineArray<6, UnsafeMutableRawPointer?>, _ params: inout Params, _ split: maas_split,
    _ run: maas_step_run
  ) {
    withUnsafeBytes(of: operands) { pointers in
      withUnsafeBytes(of: &params) { bytes in
        var step = maas_step()
        step.run = run
        step.operands = pointers.baseAddress?.assumingMemoryBound(to: UnsafeMutableRawPointer?.self)
        step.params = bytes.baseAddress
        (step.items, step.grain, step.scratch) = (split.items, split.items, split.scratch)
        _ = run(&step, 0, split.items, chunk.worker)
      }
    }
  }
}
