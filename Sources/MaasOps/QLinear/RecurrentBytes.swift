import CMaasKernels
import MaasCore
import MaasGraph

/// W or R as integers [directions, k, 4 hidden], packed.
struct ByteFactor {
  let panels: Operand
  let scale: Operand
  /// Nil where the zero points are one number, which `params` have.
  let zero: Operand?
  /// Of a product of one direction, which the kernel splits.
  fileprivate let params: maas_s8_gemm_params
  /// Elements between what two directions have.
  fileprivate let step: ByteFactorStep

  /// Inputs of the node: the integers, their scale and their zero point.
  init(_ node: inout Lowering, _ i: Int, scale: Int) throws(MaasError) {
    let (w, zeros) = (try node.input(i), try node.input(scale + 1))
    let (directions, k, columns) = (w.shape[0], w.shape[1], w.shape[2])
    self.scale = try node.input(scale)
    let side = IntegerSide(w, zeros)
    zero = side.zeroPoint.operand
    for own in [self.scale, zeros] where own.count != directions && own.count != directions * columns {
      throw MaasError(
        .shapeMismatch, "a scale or zero point does not fit the weights",
        expected: "\(directions) or \(directions * columns) elements", found: "\(own.count)")
    }
    var product = MatrixProduct(m: 1, n: columns, k: k)
    product.bCount = directions
    panels = try node.bytePanels(side, product)
    step = ByteFactorStep(
      panels: panels.count / max(directions, 1), scale: self.scale.count / max(directions, 1),
      zero: (zero?.count ?? 0) / max(directions, 1))
    var finish = maas_s8_finish()
    (finish.b_is_signed, finish.b_zero) = (side.isSigned, side.zeroPoint.number)
    (finish.b_zeros, finish.b_scales) = (Int64(step.zero), Int64(step.scale))
    (finish.a_zeros, finish.a_scales, finish.y_type) = (1, 1, MAAS_ELEMENT_F32)
    var params = maas_s8_gemm_params()
    (params.n, params.k, params.finish) = (Int64(columns), Int64(k), finish)
    params.a_row = params.k
    self.params = params
  }

  /// Of so many rows; those of the gates that it writes have the distance that `sizes` tell.
  func product(rows: Int, _ sizes: RecurrentSizes, pieces: Int = 1) -> ByteProduct {
    var own = params
    (own.m, own.y_row) = (Int64(rows), Int64(sizes.gates(.lstm).row))
    return ByteProduct(own, pieces, step)
  }
}

struct ByteFactorStep {
  let panels, scale, zero: Int
}

/// Rows of bytes times the weights of one direction.
struct ByteProduct {
  private(set) var params: maas_s8_gemm_params
  let split: maas_split
  let step: ByteFactorStep
  /// Items that compute the same columns.
  let rowTiles: Int

  /// In items of a gate's piece, where there are several pieces, which are whole panels then.
  fileprivate init(_ params: maas_s8_gemm_params, _ pieces: Int, _ step: ByteFactorStep) {
    var (own, columns) = (params, Int64(4 * pieces))
    var split = maas_s8_gemm_split(&own)
    if pieces > 1 {
      own.rows_outside = false  // Items of a gate's piece follow each other.
      own.tile_n = own.n / columns
      split.items = own.row_tiles * columns
    }
    (self.params, self.split, self.step, rowTiles) = (own, split, step, Int(own.row_tiles))
  }
}

/// The product of a stretch of the input with W.
struct ByteInputParams {
  let product: ByteProduct
  /// Elements of X before the first row of the first direction, and between directions; the latter of the gates.
  let xOffset, xStep, gatesStep: Int
}

/// A walk over a stretch of the sequence whose hidden values are multiplied as bytes.
struct ByteWalkParams {
  /// The first, as it is what everything that is written for floats reads.
  let walk: RecurrentParams
  /// For as many rows as go together, and for those of the last block.
  let products: InlineArray<2, ByteProduct>
  let quantize: maas_quantize_params

  fileprivate init(_ walk: RecurrentParams, _ r: ByteFactor, _ sizes: RecurrentSizes) {
    self.walk = walk
    let last = max(1, sizes.batch - (walk.blocks - 1) * walk.rows)
    products = [
      r.product(rows: walk.rows, sizes, pieces: walk.pieces),
      r.product(rows: last, sizes, pieces: walk.pieces),
    ]
    var params = maas_quantize_params()
    (params.type, params.low, params.high, params.rank) = (MAAS_ELEMENT_U8, 0, 255, 1)
    params.dims.0 = Int64(walk.statesCount)
    quantize = params
  }

  var scratch: Int { Int(max(products[0].split.scratch, products[1].split.scratch)) }
}

extension Recurrent {
  /// LSTM of floats whose inputs 1 and 2 are integers, with scales and zero points from input 8 on.
  func lowerBytes(_ node: inout Lowering) throws(MaasError) {
    let (w, r) = (try ByteFactor(&node, 1, scale: 8), try ByteFactor(&node, 2, scale: 10))
    let x = try timeFirst(&node, .float)
    let hidden = try node.input(2).shape[1]
    let sizes = RecurrentSizes(
      x.shape[0], x.shape[1], x.shape[2], hidden, direction.count, bytePieces: Self.bytePieces(hidden))
    let states = try states(&node, sizes, .float)
    try walk(&node, x, w, r, states, sizes)
    try deliver(&node, states)
  }

  /// As many as leave each 32 units, and whole panels of R.
  private static func bytePieces(_ hidden: Int) -> Int {
    let k = Int64(hidden)
    for pieces in [4, 2] where hidden % pieces == 0 && hidden / pieces >= 32 {
      let units = k / Int64(pieces)
      if maas_s8_packed_bytes(k, units) < maas_s8_packed_bytes(k, units + 1) { return pieces }
    }
    return 1
  }

  private func walk(
    _ node: inout Lowering, _ x: Operand, _ w: ByteFactor, _ r: ByteFactor, _ states: RecurrentStates,
    _ sizes: RecurrentSizes
  ) throws(MaasError) {
    let bytes = try node.temporary(.uint8, x.shape)
    let (scale, zero) = (try node.temporary(.float, []), try node.temporary(.uint8, []))
    try node.emitDynamicQuantize(x, bytes, scale, zero)
    let gates = try node.temporary(.float, sizes.gatesShape(.lstm))
    let biases = try node.gateBias(sizes, 4 * sizes.hidden, separate: 0)
    let start = RecurrentParams(self, sizes, sizes.whole)
    let operands =
      try emitStart(&node, states, start, gates, r.panels, node.optionalInput(7)) + [
        try node.temporary(.uint8, [start.statesCount]),
        try node.temporary(.float, [start.chains, 4]), r.scale,
        r.zero,
      ]
    node.emit(
      { startBytes(Chunk($0, $1, $2, $3)) }, operands, ByteWalkParams(start, r, sizes),
      items: elementCount(states.shape) == 0 ? 0 : 1)
    for stretch in sizes.stretches {
      emitInput(&node, stretch, sizes, w, [bytes, w.panels, gates, zero, w.zero, scale, w.scale, biases])
      let params = ByteWalkParams(RecurrentParams(self, sizes, stretch), r, sizes)
      node.emitWalk(
        { runBytes(Chunk($0, $1, $2, $3)) }, operands, params, params.walk, scratch: params.scratch)
    }
    emitFinish(&node, operands, states, start)
  }

  private func emitInput(
    _ node: inout Lowering, _ stretch: Stretch, _ sizes: RecurrentSizes, _ w: ByteFactor,
    _ operands: [Operand?]
  ) {
    let row = sizes.batch * sizes.input
    let params = ByteInputParams(
      product: w.product(rows: stretch.count * sizes.batch, sizes),
      xOffset: row * (direction == .reverse ? stretch.reversed : stretch.first),
      xStep: row * (stretch.reversed - stretch.first),
      gatesStep: sizes.gates(.lstm).direction)
    let split = params.product.split
    node.emit(
      { multiplyInput(Chunk($0, $1, $2, $3)) }, operands, params, items: sizes.directions * Int(split.items),
      grain: Int(split.grain), scratch: Int(split.scratch), kernel: "recurrent")
  }
}
