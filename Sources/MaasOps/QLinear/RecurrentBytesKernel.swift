import CMaasKernels
import CMaasSystem
import MaasCore

/// Rows of bytes with their zero point and scale, and where their product with the weights of a direction goes.
private struct ByteRows {
  let x: UnsafeMutablePointer<UInt8>
  let zero, scale: UnsafeMutableRawPointer?
  let y: UnsafeMutablePointer<Float>
  /// Added to the product: a number for each column, or what y holds.
  var bias, residual: UnsafeMutableRawPointer?
}

/// Which operands are the packed weights of all directions, their scales and their zero points.
private struct ByteWeights {
  let panels, scale, zero: Int
}

extension Chunk {
  fileprivate func multiply(
    _ product: ByteProduct, _ rows: ByteRows, _ own: ByteWeights, _ direction: Int, _ items: Range<Int>
  ) {
    let step = product.step
    func weights(_ i: Int, _ bytes: Int) -> UnsafeMutableRawPointer? {
      address(i).map { $0 + direction * bytes }
    }
    // As maas_s8_operand lists them.
    let operands: InlineArray<14, UnsafeMutableRawPointer?> = [
      UnsafeMutableRawPointer(rows.x), weights(own.panels, step.panels), UnsafeMutableRawPointer(rows.y),
      rows.zero, weights(own.zero, step.zero), rows.scale, weights(own.scale, 4 * step.scale),
      rows.bias, rows.residual, nil, nil, nil, nil, nil,
    ]
    call(maas_s8_gemm, operands, product.params, product.split, items: items)
  }
}

/// x as bytes [steps, batch, input], packed W, gates [directions, stretch, batch, row], x's zero point, W's or NULL, x's
/// scale, W's, biases [directions, 4 hidden] or NULL. Items are those of each direction's product.
func multiplyInput(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(ByteInputParams.self).pointee
  let count = Int(p.product.split.items)
  var item = chunk.begin
  while item < chunk.end {
    let (direction, first) = (item / count, item % count)
    let last = min(count, first + chunk.end - item)
    let rows = ByteRows(
      x: chunk.output(0, as: UInt8.self) + (p.xOffset + direction * p.xStep), zero: chunk.address(3),
      scale: chunk.address(5), y: chunk.output(2, as: Float.self) + direction * p.gatesStep,
      bias: chunk.address(7).map { $0 + direction * Int(p.product.params.n) * 4 })
    chunk.multiply(p.product, rows, ByteWeights(panels: 1, scale: 6, zero: 4), direction, first..<last)
    item += last - first
  }
  return StepStatus.ok
}

// Operands of the walk behind those of runRecurrent, whose R is bytes: hidden values as bytes, which lie as the states
// do; of each chain their smallest and largest number, their scale and, as a byte, their zero point; R's scales, its
// zero points or NULL.

/// Quantizes the initial hidden values.
func startBytes(_ chunk: Chunk) -> Int32 {
  let walk = chunk.params(ByteWalkParams.self).pointee.walk
  maas_sys_zero(chunk.output(12, as: UInt8.self), walk.statesCount)
  for chain in 0..<walk.chains {
    let isReverse = walk.firstIsReverse || chain / walk.blocks == 1
    HiddenBytes(chunk, chain).quantize(hiddenOperand(chunk, -1), from: isReverse ? walk.steps - 1 : -1)
  }
  return StepStatus.ok
}

/// runRecurrent for LSTM whose hidden values are multiplied as bytes.
func runBytes(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(ByteWalkParams.self)
  let walk = UnsafeRawPointer(p).assumingMemoryBound(to: RecurrentParams.self)
  for item in chunk.begin..<chunk.end {
    guard !chunk.isStopped, let item = SequenceItem(chunk, walk, item) else { return StepStatus.stopped }
    item.run(p)
  }
  return StepStatus.ok
}

/// What the hidden values of one chain are multiplied as.
private struct HiddenBytes {
  private let chunk: Chunk
  private let params: UnsafePointer<ByteWalkParams>
  private let row, rows, state: Int
  /// The smallest and the largest number, the scale, the zero point.
  private let numbers: UnsafeMutablePointer<Float>

  init(_ chunk: Chunk, _ chain: Int) {
    (self.chunk, params) = (chunk, chunk.params())
    let walk = params.pointee.walk
    row = chain % walk.blocks * walk.rows
    rows = min(walk.rows, walk.batch - row)
    state = walk.states(of: chain / walk.blocks * walk.batch + row, in: chain)
    numbers = chunk.output(13, as: Float.self) + 4 * chain
  }

  var x: UnsafeMutablePointer<UInt8> { chunk.output(12, as: UInt8.self) + state }
  var scale: UnsafeMutablePointer<Float> { numbers + 2 }
  var zero: UnsafeMutableRawPointer { UnsafeMutableRawPointer(numbers + 3) }

  /// Quantizes what operand `hidden` has of the chain, with one scale, but for sequences that ended before step `time`.
  func quantize(_ hidden: Int, from time: Int) {
    guard params.pointee.walk.hidden > 0 else { return }
    let all = chunk.output(hidden, as: Float.self)
    let lengths = chunk.optional(3, as: Int32.self).map { $0 + row }
    let count = lengths == nil ? 1 : rows
    let width = rows * params.pointee.walk.hidden / count
    var (low, high): (Float, Float) = (0, 0)
    for r in 0..<count where lengths.map({ time < Int($0[r]) }) ?? true {
      findRange(all + (state + r * width), width)
      (low, high) = (min(low, numbers[0]), max(high, numbers[1]))
    }
    let (scale, zero) = dynamicScale(low, high)
    self.scale.pointee = scale
    self.zero.assumingMemoryBound(to: UInt8.self).pointee = zero
    for r in 0..<count where lengths.map({ time < Int($0[r]) }) ?? true {
      let first = state + r * width
      chunk.call(
        maas_f32_quantize,
        [UnsafeMutableRawPointer(all), UnsafeMutableRawPointer(self.scale), self.zero, chunk.address(12)],
        params.pointee.quantize, maas_split(), items: first..<first + width)
    }
  }

  private func findRange(_ x: UnsafeMutablePointer<Float>, _ n: Int) {
    let params = maas_f32_range_params(n: Int64(n), block: Int64(n))
    chunk.call(
      maas_f32_range, [UnsafeMutableRawPointer(x), UnsafeMutableRawPointer(numbers)], params, maas_split(),
      items: 0..<1)
  }
}

extension SequenceItem {
  fileprivate func run(_ p: UnsafePointer<ByteWalkParams>) {
    multiply(p)
    stepLSTM(multiplies: false)
    let pieces = UInt32(params.pointee.pieces)
    // Who ends last quantizes all pieces before the next step may begin.
    let isLast = pieces == 1 || maas_sys_fetch_add32(claims, 1 << 16) >> 16 == pieces - 1
    guard isLast else { return }
    if index + 1 < params.pointee.steps {
      HiddenBytes(chunk, chain).quantize(hiddenOperand(chunk, index), from: isReverse ? time - 1 : time)
    }
    end(pieces)
  }

  /// Adds the product of the hidden values with the piece's part of R to the gates.
  private func multiply(_ p: UnsafePointer<ByteWalkParams>) {
    let hidden = HiddenBytes(chunk, chain)
    let gates = gate(0) - unit
    let rows = ByteRows(
      x: hidden.x, zero: hidden.zero, scale: hidden.scale, y: gates, residual: UnsafeMutableRawPointer(gates))
    let weights = ByteWeights(panels: 1, scale: 14, zero: 15)
    let (pieces, own) = (params.pointee.pieces, isLast ? 1 : 0)
    let (items, tiles) = (Int(p.pointee.products[own].split.items), p.pointee.products[own].rowTiles)
    for i in 0..<(pieces == 1 ? 1 : 4) {
      let first = (i * pieces + piece) * tiles
      chunk.multiply(
        p.pointee.products[own], rows, weights, direction, pieces == 1 ? 0..<items : first..<first + tiles)
    }
  }
}
