import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// How a float attention is cut: blocks of rows of queries, tiles of keys.
private struct AttentionTiling {
  /// Keys of a tile and rows of a block. The scores of one block and tile stay in the second-level cache, and rows are
  /// a multiple of 6, as products of AVX2 have them.
  static let keys = 256, rows = 66
  /// Nanoseconds of work worth handing to another thread, as products have it.
  static let chunk = 10_000

  let attention: AttentionParams
  /// Heads of Q whose rows follow one another and are taken as one matrix.
  let folded: Int
  let rowStride: Int
  let tiles, blocks: Int
  /// Bytes of the packed tile of one head of keys and of values.
  let keyBytes, valueBytes: Int
  /// Floats of scratch memory that the products need.
  var productScratch = 0

  init(_ attention: AttentionParams) throws(MaasError) {
    self.attention = attention
    let a = attention
    let isEven = a.queries == 1 || a.q.head == a.queries * a.q.row
    folded = isEven ? a.group : 1
    rowStride = a.queries == 1 ? a.q.head : a.q.row
    tiles = (a.total + Self.keys - 1) / Self.keys
    blocks = (folded * a.queries + Self.rows - 1) / Self.rows
    let width = Int64(min(Self.keys, a.total))
    keyBytes = Int(maas_f32_gemm_packed_bytes(Int64(a.size), width))
    valueBytes = Int(maas_f32_gemm_packed_bytes(width, Int64(a.valueSize)))
    guard keyBytes >= 0, valueBytes >= 0 else {
      throw MaasError(.limitExceeded, "the packed keys or values are too large")
    }
    productScratch = largestProductScratch() / 4
  }

  var rowCount: Int { folded * attention.queries }
  var isDirect: Bool { rowCount <= AttentionParams.fewRows }
  func rows(_ block: Int) -> Int { min(Self.rows, rowCount - block * Self.rows) }
  func keys(_ tile: Int) -> Int { min(Self.keys, attention.total - tile * Self.keys) }

  /// Scores = scale Q K'
  func scoreProduct(rows: Int, keys: Int) -> maas_f32_gemm_params {
    var params = maas_f32_gemm_params()
    (params.m, params.n, params.k) = (Int64(rows), Int64(keys), Int64(attention.size))
    (params.a_row, params.a_col, params.y_row) = (Int64(rowStride), 1, Int64(keys))
    params.alpha = attention.scale
    return params
  }

  /// Result += exponentials V
  func valueProduct(rows: Int, keys: Int) -> maas_f32_gemm_params {
    var params = maas_f32_gemm_params()
    (params.m, params.n, params.k) = (Int64(rows), Int64(attention.valueSize), Int64(keys))
    (params.a_row, params.a_col, params.y_row) = (Int64(keys), 1, Int64(attention.valueSize))
    params.alpha = 1
    return params
  }

  private func largestProductScratch() -> Int {
    var most: Int64 = 0
    for rows in [rows(0), rows(max(0, blocks - 1))] {
      for keys in [keys(0), keys(max(0, tiles - 1))] {
        for product in [scoreProduct(rows: rows, keys: keys), valueProduct(rows: rows, keys: keys)] {
          var product = product
          most = max(most, maas_f32_gemm_split(&product).scratch)
        }
      }
    }
    return (Int(most) + 63) / 64 * 64
  }

  /// Behind the products' scratch memory: scores, result, maximum and sum of each row.
  var scratch: Int {
    let rows = min(Self.rows, rowCount)
    return 4 * (productScratch + rows * (min(Self.keys, attention.total) + attention.valueSize + 2))
  }
}

extension Lowering {
  /// q, k, v, mask or NULL, lengths or NULL, y, scores or NULL, sinks or NULL.
  mutating func emitAttention(_ params: AttentionParams, _ operands: [Operand?]) throws(MaasError) {
    // A sum of nothing is 0.
    if params.total == 0, let y = operands[5] { return try emitFill(y, try Tensor(.float, [1], [Float(0)])) }
    let tiling = try AttentionTiling(params)
    let rows = min(AttentionTiling.rows, tiling.rowCount)
    let work = elementCount([rows, params.total, 2 + (params.size + params.valueSize) / 25]) ?? .max
    let (keys, values) = tiling.isDirect ? (operands[1], operands[2]) : try emitPack(tiling, operands)
    emit(
      { attend(Chunk($0, $1, $2, $3)) }, [operands[0], keys, values] + operands[3...], tiling,
      items: params.batch * (params.heads / tiling.folded) * tiling.blocks,
      grain: grain(nanoseconds: work, chunk: AttentionTiling.chunk),
      scratch: tiling.scratch, kernel: "attention")
  }

  private mutating func emitPack(
    _ tiling: AttentionTiling, _ operands: [Operand?]
  ) throws(MaasError) -> (Operand?, Operand?) {
    let params = tiling.attention
    let packs = params.batch * params.keyHeads * tiling.tiles
    let keys = try temporary(.uint8, [packs, tiling.keyBytes])
    let values = try temporary(.uint8, [packs, tiling.valueBytes])
    let width = min(AttentionTiling.keys, params.total)
    emit(
      { packTiles(Chunk($0, $1, $2, $3)) }, [operands[1], operands[2], keys, values], tiling, items: packs,
      grain: grain(
        nanoseconds: elementCount([width, params.size + params.valueSize]) ?? .max,
        chunk: AttentionTiling.chunk),
      kernel: "attention_pack")
    return (keys, values)
  }
}

/// k, v, packed tiles of k' and of v. Items are tiles of heads.
private func packTiles(_ chunk: Chunk) -> Int32 {
  let tiling = chunk.params(AttentionTiling.self)
  let a = tiling.pointee.attention
  for item in chunk.begin..<chunk.end {
    let (tile, head) = (item % tiling.pointee.tiles, item / tiling.pointee.tiles)
    let (first, count) = (tile * AttentionTiling.keys, tiling.pointee.keys(tile))
    let k = chunk.output(0, as: Float.self) + a.k.offset(head / a.keyHeads, head % a.keyHeads, first)
    let v = chunk.output(1, as: Float.self) + a.v.offset(head / a.keyHeads, head % a.keyHeads, first)
    pack(chunk, k, k: a.size, n: count, row: 1, column: a.k.row, 2, item * tiling.pointee.keyBytes)
    pack(chunk, v, k: count, n: a.valueSize, row: a.v.row, column: 1, 3, item * tiling.pointee.valueBytes)
  }
  return StepStatus.ok
}

private func pack(
  _ chunk: Chunk, _ b: UnsafeMutablePointer<Float>, k: Int, n: Int, row: Int, column: Int, _ operand: Int,
  _ offset: Int
) {
  var params = maas_f32_gemm_pack_params()
  (params.k, params.n, params.b_row, params.b_col) = (Int64(k), Int64(n), Int64(row), Int64(column))
  let split = maas_f32_gemm_pack_split(&params)
  chunk.call(
    maas_f32_gemm_pack,
    [chunk.address(operand).map { $0 + offset }, UnsafeMutableRawPointer(b), nil, nil, nil, nil, nil, nil],
    params, split)
}

/// q, packed k' and v or k and v themselves, mask or NULL, int64 lengths or NULL, y, scores or NULL, a float for each
/// head or NULL. Items are blocks of rows of each head, or of each group of folded heads.
private func attend(_ chunk: Chunk) -> Int32 {
  let tiling = chunk.params(AttentionTiling.self)
  for item in chunk.begin..<chunk.end { AttentionBlock(chunk, tiling, item).run() }
  return StepStatus.ok
}

private typealias Floats = UnsafeMutablePointer<Float>

private struct AttentionBlock {
  private let chunk: Chunk
  private let p: UnsafePointer<AttentionTiling>
  private let batch, firstHead, firstRow, rows: Int
  private let scores, result, maximum, sum: Floats
  private let lengths: UnsafePointer<Int64>?

  init(_ chunk: Chunk, _ tiling: UnsafePointer<AttentionTiling>, _ item: Int) {
    self.chunk = chunk
    p = tiling
    let (block, heads) = (item % tiling.pointee.blocks, item / tiling.pointee.blocks)
    let perBatch = tiling.pointee.attention.heads / tiling.pointee.folded
    batch = heads / perBatch
    firstHead = heads % perBatch * tiling.pointee.folded
    firstRow = block * AttentionTiling.rows
    rows = tiling.pointee.rows(block)
    let scratch = chunk.worker.pointee.scratch.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
    scores = scratch + tiling.pointee.productScratch
    result = scores + rows * min(AttentionTiling.keys, tiling.pointee.attention.total)
    maximum = result + rows * tiling.pointee.attention.valueSize
    sum = maximum + rows
    lengths = chunk.optional(4, as: Int64.self)
  }

  private var attention: AttentionParams { p.pointee.attention }

  /// Head and query of row `r` of the block.
  private func place(_ r: Int) -> (head: Int, query: Int) {
    let row = firstRow + r
    return (firstHead + row / attention.queries, row % attention.queries)
  }

  func run() {
    // The first product of packed values writes over what is there.
    if p.pointee.isDirect { maas_sys_zero(result, rows * attention.valueSize * 4) }
    for r in 0..<rows { (maximum[r], sum[r]) = (-.infinity, 0) }
    let seen = visible()
    var isFirst = true
    for tile in 0..<p.pointee.tiles {
      let first = tile * AttentionTiling.keys
      var count = p.pointee.keys(tile)
      let isHidden = first >= seen.any.upperBound || first + count <= seen.any.lowerBound
      // What lies behind the keys in use may be anything, even NaN.
      if p.pointee.isDirect, chunk.address(6) == nil { count = min(count, seen.any.upperBound - first) }
      guard !isHidden || chunk.address(6) != nil else { continue }
      run(
        tile, first, count, hidesSome: first < seen.all.lowerBound || first + count > seen.all.upperBound,
        isFirst)
      isFirst = false
    }
    for r in 0..<rows { finish(r) }
  }

  /// The keys that any row sees, and those that all see.
  private func visible() -> (any: Range<Int>, all: Range<Int>) {
    var (low, high) = (Int.max, 0)
    var (most, least) = (0, Int.max)
    for r in 0..<rows {
      let own = attention.bias.visible(batch, place(r).query, lengths)
      if !own.isEmpty { (low, high) = (min(low, own.lowerBound), max(high, own.upperBound)) }
      (most, least) = (max(most, own.lowerBound), min(least, own.upperBound))
    }
    return (min(low, high)..<high, min(most, least)..<least)
  }

  private func run(_ tile: Int, _ first: Int, _ count: Int, hidesSome: Bool, _ isFirst: Bool) {
    let a = attention
    multiplyKeys(tile, first, count)
    keep(.product, first, count)
    if a.softcap > 0 { cap(count) }
    keep(.capped, first, count)
    // The softmax applies a mask faster, unless the scores behind it are wanted.
    let isKept = chunk.address(6) != nil
    let mask = isKept ? chunk.address(3).map { UnsafeRawPointer($0) } : nil
    if hidesSome || mask != nil {
      for r in 0..<rows {
        let (head, query) = place(r)
        let seen = a.bias.visible(batch, query, lengths)
        a.bias.add(mask, batch, head, query, seen, scores + r * count, first: first, count: count)
      }
    }
    keep(.biased, first, count)
    keep(.probabilities, first, count)
    normalise(first, count, isMasked: chunk.address(3) != nil && !isKept)
    multiplyValues(tile, first, count, isFirst)
  }

  /// scores = scale Q K' for a tile of keys
  private func multiplyKeys(_ tile: Int, _ first: Int, _ count: Int) {
    let a = attention
    let rowOffset = firstRow * p.pointee.rowStride
    let q = chunk.output(0, as: Float.self) + a.q.offset(batch, firstHead, 0) + rowOffset
    guard p.pointee.isDirect else {
      let offset = packed(tile) * p.pointee.keyBytes
      return multiply(q, 1, offset, nil, scores, p.pointee.scoreProduct(rows: rows, keys: count))
    }
    let params = maas_f32_rows_params(
      rows: Int64(rows), n: Int64(count), width: Int64(a.size), x_row: Int64(p.pointee.rowStride),
      b_row: Int64(a.k.row), y_row: Int64(count), alpha: a.scale)
    multiplyDirectly(maas_f32_row_dots, q, 1, a.k, first, scores, params)
  }

  /// result += exponentials V for a tile of keys
  private func multiplyValues(_ tile: Int, _ first: Int, _ count: Int, _ isFirst: Bool) {
    let a = attention
    guard p.pointee.isDirect else {
      let offset = packed(tile) * p.pointee.valueBytes
      let residual = isFirst ? nil : result
      return multiply(scores, 2, offset, residual, result, p.pointee.valueProduct(rows: rows, keys: count))
    }
    let params = maas_f32_rows_params(
      rows: Int64(rows), n: Int64(count), width: Int64(a.valueSize), x_row: Int64(count),
      b_row: Int64(a.v.row), y_row: Int64(a.valueSize), alpha: 1)
    multiplyDirectly(maas_f32_row_sums, scores, 2, a.v, first, result, params)
  }

  private var keyHead: Int { firstHead / attention.group }

  /// Which of the packed matrices holds a tile.
  private func packed(_ tile: Int) -> Int {
    (batch * attention.keyHeads + keyHead) * p.pointee.tiles + tile
  }

  private func multiplyDirectly(
    _ kernel: maas_step_run, _ x: Floats, _ operand: Int, _ layout: HeadLayout, _ first: Int, _ y: Floats,
    _ params: maas_f32_rows_params
  ) {
    let b = chunk.output(operand, as: Float.self) + layout.offset(batch, keyHead, first)
    let split = withUnsafePointer(to: params) { maas_f32_rows_split($0) }
    chunk.call(
      kernel,
      [
        UnsafeMutableRawPointer(x), UnsafeMutableRawPointer(b), UnsafeMutableRawPointer(y), nil, nil, nil,
        nil, nil,
      ],
      params, split)
  }

  private func multiply(
    _ a: Floats, _ panels: Int, _ offset: Int, _ residual: Floats?, _ y: Floats,
    _ product: maas_f32_gemm_params
  ) {
    var product = product
    let split = maas_f32_gemm_split(&product)
    chunk.call(
      maas_f32_gemm,
      [
        UnsafeMutableRawPointer(a), chunk.address(panels).map { $0 + offset }, nil,
        residual.map { UnsafeMutableRawPointer($0) }, UnsafeMutableRawPointer(y), nil, nil, nil,
      ], product, split)
  }

  private func cap(_ count: Int) {
    let tanh = maas_f32_activation(
      op: MAAS_UNARY_SCALED_TANH, alpha: attention.softcap, beta: 1 / attention.softcap)
    chunk.apply(tanh, scores, scores, count: rows * count)
  }

  /// Exponentials of the scores. Rows of a head have masks that lie evenly.
  private func normalise(_ first: Int, _ count: Int, isMasked: Bool) {
    var r = 0
    while r < rows {
      let (head, query) = place(r)
      let own = isMasked ? min(rows - r, attention.queries - query) : rows - r
      var params = maas_f32_online_softmax_params()
      (params.rows, params.n, params.width) = (Int64(own), Int64(count), Int64(attention.valueSize))
      var mask: UnsafeMutableRawPointer?
      if isMasked {
        mask = chunk.address(3).map { $0 + attention.bias.offset(batch, head, query, first) }
        attention.bias.describe(&params, first: first, count: count)
      }
      let split = maas_f32_online_softmax_split(&params)
      chunk.call(
        maas_f32_online_softmax,
        [
          UnsafeMutableRawPointer(scores + r * count), UnsafeMutableRawPointer(maximum + r),
          UnsafeMutableRawPointer(sum + r), UnsafeMutableRawPointer(result + r * attention.valueSize), mask,
          nil, nil, nil,
        ], params, split)
      r += own
    }
  }

  /// Row `r` of the scores that are an output.
  private func kept(_ r: Int) -> Floats {
    let (head, query) = place(r)
    let row = (batch * attention.heads + head) * attention.queries + query
    return chunk.output(6, as: Float.self) + row * attention.total
  }

  /// Copies the scores to the output if that is the stage it wants.
  private func keep(_ stage: Attention.ScoreStage, _ first: Int, _ count: Int) {
    guard stage == attention.stage, chunk.address(6) != nil else { return }
    for r in 0..<rows {
      let row = kept(r) + first
      maas_sys_copy(row, scores + r * count, count * 4)
      guard stage == .biased, attention.hiddenScore != -.infinity else { continue }
      for j in 0..<count where row[j] == -.infinity { row[j] = attention.hiddenScore }
    }
  }

  /// The sum of a row's exponentials, to which its head's sink adds one.
  private func wholeSum(_ r: Int) -> Float {
    guard let sinks = chunk.optional(7, as: Float.self) else { return sum[r] }
    let exp = maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0)
    return sum[r] + Float(maas_f64_unary(exp, Double(sinks[place(r).head]) - Double(maximum[r])))
  }

  private func finish(_ r: Int) {
    let (head, query) = place(r)
    let factor = sum[r] == 0 ? 0 : 1 / wholeSum(r)
    let y = chunk.output(5, as: Float.self) + attention.y.offset(batch, head, query)
    let (own, width) = (result + r * attention.valueSize, attention.valueSize)
    if sum[r] == 0 {
      for d in 0..<width { y[d] = attention.hiddenRow }
    } else {
      scale(own, factor, into: y, count: width)
    }
    guard attention.stage == .probabilities, chunk.address(6) != nil else { return }
    let row = kept(r)
    if maximum[r] == -.infinity {
      for j in 0..<attention.total { row[j] = attention.hiddenRow }
    } else {
      var params = maas_f32_softmax_params(log: false, outer: 1, axis: Int64(attention.total), inner: 1)
      let split = maas_f32_softmax_split(&params)
      let pointer = UnsafeMutableRawPointer(row)
      chunk.call(maas_f32_softmax, [pointer, pointer, nil, nil, nil, nil, nil, nil], params, split)
      guard chunk.address(7) != nil else { return }
      for j in 0..<attention.total { row[j] *= sum[r] * factor }
    }
  }
}

/// y = factor x. Whole vectors: the lines that they are stored to come from afar, and so more of them come at once.
private func scale(_ x: Floats, _ factor: Float, into y: Floats, count: Int) {
  var i = 0
  while i + 8 <= count {
    let some = UnsafeRawPointer(x + i).loadUnaligned(as: SIMD8<Float>.self)
    UnsafeMutableRawPointer(y + i).storeBytes(of: factor * some, as: SIMD8<Float>.self)
    i += 8
  }
  while i < count {
    y[i] = factor * x[i]
    i += 1
  }
}
