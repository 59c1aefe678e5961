import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

private struct RecurrentDoubleParams {
  let cell: Recurrent.Cell
  let steps, batch, input, hidden, directions: Int
  let firstIsReverse, linearBeforeReset, inputForget: Bool
  let clip: Double
  /// Three for each direction.
  let functions: InlineArray<6, maas_f32_activation>

  init(_ op: Recurrent, _ sizes: RecurrentSizes) {
    cell = op.cell
    (steps, batch, input, hidden) = (sizes.steps, sizes.batch, sizes.input, sizes.hidden)
    directions = sizes.directions
    firstIsReverse = op.direction == .reverse
    (linearBeforeReset, inputForget) = (op.linearBeforeReset, op.inputForget)
    clip = op.clip > 0 ? Double(op.clip) : .infinity
    let own = op.activations.count / sizes.directions
    functions = InlineArray { i in op.activations[at: i / 3 * own + min(i % 3, own - 1)] ?? op.activations[0]
    }
  }
}

extension Recurrent {
  /// The formulas as they stand, for doubles.
  func emitDoubles(
    _ node: inout Lowering, _ x: Operand, _ states: RecurrentStates, _ sizes: RecurrentSizes
  ) {
    let operands =
      [x] + (1..<5).map { node.optionalInput($0) } + states.initial + [node.optionalInput(7)] + states.results
    let work = elementCount([sizes.steps, cell.gates, sizes.hidden, sizes.input + sizes.hidden]) ?? .max
    node.emit(
      { recurrentOfDoubles(Chunk($0, $1, $2, $3)) }, operands, RecurrentDoubleParams(self, sizes),
      dtype: .double, items: sizes.directions * sizes.batch, grain: grain(nanoseconds: work),
      scratch: 8 * (cell.gates + 1) * sizes.hidden)
  }
}

/// x, W, R, B or NULL, int32 lengths or NULL, initial hidden or NULL, initial cell or NULL, peephole or NULL, y or
/// NULL, hidden, cell or NULL. Items are rows of the batch in each direction.
private func recurrentOfDoubles(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(RecurrentDoubleParams.self)
  for item in chunk.begin..<chunk.end {
    let walk = DoubleWalk(chunk, params, item)
    walk.start()
    for i in 0..<params.pointee.steps {
      if chunk.isStopped { return StepStatus.stopped }
      walk.run(walk.isReverse ? params.pointee.steps - 1 - i : i)
    }
  }
  return StepStatus.ok
}

private typealias Doubles = UnsafeMutablePointer<Double>

private struct DoubleWalk {
  private let chunk: Chunk
  private let p: UnsafePointer<RecurrentDoubleParams>
  private let direction, row: Int
  private let n: Int
  private let hidden, gates, memory: Doubles

  init(_ chunk: Chunk, _ params: UnsafePointer<RecurrentDoubleParams>, _ item: Int) {
    self.chunk = chunk
    p = params
    (direction, row) = (item / params.pointee.batch, item % params.pointee.batch)
    n = params.pointee.hidden
    hidden = chunk.output(9, as: Double.self) + item * n
    memory = chunk.worker.pointee.scratch.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
    gates = memory + n
  }

  private var state: Int { (direction * p.pointee.batch + row) * n }
  private var cell: Doubles { chunk.output(10, as: Double.self) + state }
  var isReverse: Bool { p.pointee.firstIsReverse || direction == 1 }

  func start() {
    start(hidden, 5)
    if p.pointee.cell == .lstm { start(cell, 6) }
  }

  /// The state before the first step; 0 of a sequence of length 0.
  private func start(_ target: Doubles, _ operand: Int) {
    let source = isLive(0) ? chunk.optional(operand, as: Double.self) : nil
    for j in 0..<n { target[j] = source?[state + j] ?? 0 }
  }

  private func isLive(_ time: Int) -> Bool {
    chunk.optional(4, as: Int32.self).map { time < Int($0[row]) } ?? true
  }

  func run(_ time: Int) {
    let isLive = isLive(time)
    if isLive {
      switch p.pointee.cell {
      case .rnn: stepRNN(time)
      case .gru: stepGRU(time)
      case .lstm: stepLSTM(time)
      }
    }
    guard chunk.address(8) != nil else { return }
    let first = ((time * p.pointee.directions + direction) * p.pointee.batch + row) * n
    let y = chunk.output(8, as: Double.self) + first
    for j in 0..<n { y[j] = isLive ? hidden[j] : 0 }
  }

  private func function(_ i: Int, _ x: Double) -> Double {
    let held = max(-p.pointee.clip, min(p.pointee.clip, x))
    return maas_f64_unary(p.pointee.functions[direction * 3 + i], x.isNaN ? x : held)
  }

  /// Element `j` of B; the part of R follows that of W.
  private func bias(_ j: Int, ofR: Bool) -> Double {
    let width = p.pointee.cell.gates * n
    return chunk.optional(3, as: Double.self)?[(2 * direction + (ofR ? 1 : 0)) * width + j] ?? 0
  }

  /// Row `j` of W times the input at a time, with its bias.
  private func ofInput(_ j: Int, _ time: Int) -> Double {
    let size = p.pointee.input
    let x = chunk.input(0, as: Double.self) + (time * p.pointee.batch + row) * size
    let w = chunk.input(1, as: Double.self) + (direction * p.pointee.cell.gates * n + j) * size
    var sum = bias(j, ofR: false)
    for i in 0..<size { sum += w[i] * x[i] }
    return sum
  }

  /// Row `j` of R times `values`, with its bias.
  private func ofState(_ j: Int, _ values: Doubles) -> Double {
    let r = chunk.input(2, as: Double.self) + (direction * p.pointee.cell.gates * n + j) * n
    var sum = bias(j, ofR: true)
    for i in 0..<n { sum += r[i] * values[i] }
    return sum
  }

  private func stepRNN(_ time: Int) {
    for j in 0..<n { gates[j] = function(0, ofInput(j, time) + ofState(j, hidden)) }
    for j in 0..<n { hidden[j] = gates[j] }
  }

  private func stepGRU(_ time: Int) {
    for j in 0..<2 * n { gates[j] = function(0, ofInput(j, time) + ofState(j, hidden)) }
    let (update, reset, candidate) = (gates, gates + n, gates + 2 * n)
    for j in 0..<n { memory[j] = reset[j] * hidden[j] }
    for j in 0..<n {
      let own =
        p.pointee.linearBeforeReset ? reset[j] * ofState(2 * n + j, hidden) : ofState(2 * n + j, memory)
      candidate[j] = function(1, ofInput(2 * n + j, time) + own)
    }
    for j in 0..<n { hidden[j] = (1 - update[j]) * candidate[j] + update[j] * hidden[j] }
  }

  private func peephole(_ gate: Int, _ j: Int) -> Double {
    (chunk.optional(7, as: Double.self)?[(direction * 3 + gate) * n + j] ?? 0) * cell[j]
  }

  /// Gates in the order i, o, f, c; peepholes i, o, f.
  private func stepLSTM(_ time: Int) {
    for j in 0..<4 * n { gates[j] = ofInput(j, time) + ofState(j, hidden) }
    for j in 0..<n {
      let input = function(0, gates[j] + peephole(0, j))
      let forget = p.pointee.inputForget ? 1 - input : function(0, gates[2 * n + j] + peephole(2, j))
      cell[j] = forget * cell[j] + input * function(1, gates[3 * n + j])
      let output = function(0, gates[n + j] + peephole(1, j))
      hidden[j] = output * maas_f64_unary(p.pointee.functions[direction * 3 + 2], cell[j])
    }
  }
}
