import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

extension Attention {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let dy = try node.gradient()
    guard softcap == 0, !isRewritten, node.optionalInput(4) == nil else {
      throw MaasError(
        .unsupported, "the operator has no gradient of this kind",
        expected: "no attribute 'softcap' and no past keys")
    }
    var inputs: [ValueID?] = [dy]
    for i in 0..<7 { inputs.append(node.optionalInput(i)) }
    let parts = node.add(AttentionGradient(self), inputs, outputs: node.wants(3) ? 4 : 3)
    for (i, part) in parts.enumerated() { try node.contribute(part, to: i) }
  }
}

/// Inputs: the gradient of Y, then Attention's; outputs: those of Q, K and V, and of the mask if it is
/// wanted.
///
/// With the softmax P of the scores: dV = P' dY, dP = dY V', dS = P (dP - the row's sum of P dP), dQ = scale dS K,
/// dK = scale dS' Q; that of the mask is dS, added up where the mask is broadcast. P is computed anew, for some rows
/// of queries at a time (Dao et al. 2022: "FlashAttention"). An item is a head of K and V with all heads of Q that
/// share it, so each sum is made by one thread in one order.
private final class AttentionGradient: Operator {
  let name = "AttentionGradient"
  private let op: Attention

  init(_ op: Attention) { self.op = op }

  func infer(_ node: inout Inference) throws(MaasError) {
    for i in 0..<node.outputCount { node.setOutput(i, try node.dtype(i + 1), try node.shape(i + 1)) }
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (q, k, v) = (try node.input(1), try node.input(2), try node.input(3))
    let wide: DType = [q.dtype, v.dtype].contains(.double) ? .double : .float
    let shapes = try op.shapes(Shape(q.shape).dims, Shape(k.shape).dims, Shape(v.shape).dims, past: nil)
    var mask = node.optionalInput(4)
    if let given = mask, given.dtype != .bool { mask = try node.converted(given, wide) }
    let attention = try AttentionParams(
      op, shapes, keys: try shapes.k.layout(), values: try shapes.v.layout(), mask)
    var targets: [Operand] = []
    for i in 0..<3 {
      targets.append(try node.target(i, wide, try node.input(i + 1).shape))
      try node.emitFill(targets[i], try zero(wide))
    }
    var operands: [Operand?] = []
    for x in [q, k, v] { operands.append(try node.converted(x, wide)) }
    operands += [mask, node.optionalInput(7), try node.converted(try node.input(0), wide)]
    // The mask may say nothing of the last keys.
    let seen = mask?.shape.last.map { $0 == 1 ? attention.total : $0 } ?? 0
    let ofMask = try node.optionalOutput(3).map { y throws(MaasError) in try node.target(y, wide) }
    var scores = ofMask
    let shape = [attention.batch, attention.heads, attention.queries, seen]
    if let y = ofMask, y.shape != shape { scores = try node.temporary(wide, shape) }
    if let scores { try node.emitFill(scores, try zero(wide)) }
    let params = BackwardAttention(attention, wide, seen: seen)
    if attention.total > 0, attention.queries > 0 {
      node.emit(
        { dispatch(AttentionGradientKernel.self, Chunk($0, $1, $2, $3)) },
        operands + targets.map { $0 } + [scores],
        params,
        dtype: wide, items: attention.batch * attention.keyHeads, grain: params.share,
        scratch: params.scratch, kernel: "attention_gradient")
    }
    for i in 0..<3 { node.deliver(targets[i], i) }
    guard let scores, let ofMask else { return }
    if scores.buffer != ofMask.buffer { try node.emitSum(scores, to: ofMask.shape, ofMask) }
    node.deliver(ofMask, 3)
  }
}

/// How the gradient of an attention is cut: blocks of rows of queries against all keys that any of them sees.
private struct BackwardAttention {
  let attention: AttentionParams
  /// Rows of a block.
  let rows: Int
  /// Keys that the mask speaks of.
  let seen: Int
  /// Bytes that the products need, before the scores and their gradients.
  private(set) var productScratch = 0
  private let elementSize: Int

  /// Keys are counted in steps of so many.
  static let step = 64

  init(_ attention: AttentionParams, _ wide: DType, seen: Int) {
    (self.attention, self.seen) = (attention, seen)
    elementSize = wide.byteWidth
    rows = max(1, min(attention.queries, max(8, min(64, 32768 / max(1, attention.total)))))
    if wide == .float { productScratch = (largestScratch() + 63) / 64 * 64 }
  }

  var scratch: Int { productScratch + 2 * elementSize * rows * attention.total }

  /// Items that make a chunk.
  var share: Int {
    let a = attention
    let work = elementCount([a.group, a.queries, a.total, (3 * a.size + 2 * a.valueSize) / 25 + 1]) ?? .max
    return grain(nanoseconds: work)
  }

  /// As many keys as `upper`, or some more.
  func keys(_ upper: Int) -> Int { min(attention.total, (upper + Self.step - 1) / Self.step * Self.step) }

  private func largestScratch() -> Int {
    var most: Int64 = 0
    for count in Set([rows, attention.queries % rows]) where count > 0 {
      for upper in stride(from: Self.step, to: attention.total + Self.step, by: Self.step) {
        for product in BackwardProduct.all(attention, rows: count, keys: keys(upper)) {
          var params = product.params
          most = max(most, maas_f32_gemm_split(&params).scratch)
        }
      }
    }
    return Int(most)
  }
}

/// Y = alpha A B of plain matrices, or what Y holds and that.
private struct BackwardProduct {
  let m, n, k: Int
  let a, b: (row: Int, column: Int)
  let yRow: Int
  var alpha: Float = 1
  var adds = false

  /// Those of the scores, of their softmax's gradient, of Q's, of V's and of K's.
  static func all(_ a: AttentionParams, rows: Int, keys: Int) -> [BackwardProduct] {
    [
      scores(a, rows, keys), weights(a, rows, keys), queries(a, rows, keys), values(a, rows, keys),
      ofKeys(a, rows, keys),
    ]
  }

  static func scores(_ a: AttentionParams, _ rows: Int, _ keys: Int) -> Self {
    Self(m: rows, n: keys, k: a.size, a: (a.q.row, 1), b: (1, a.k.row), yRow: keys, alpha: a.scale)
  }

  static func weights(_ a: AttentionParams, _ rows: Int, _ keys: Int) -> Self {
    Self(m: rows, n: keys, k: a.valueSize, a: (a.y.row, 1), b: (1, a.v.row), yRow: keys)
  }

  static func queries(_ a: AttentionParams, _ rows: Int, _ keys: Int) -> Self {
    Self(m: rows, n: a.size, k: keys, a: (keys, 1), b: (a.k.row, 1), yRow: a.q.row, alpha: a.scale)
  }

  static func values(_ a: AttentionParams, _ rows: Int, _ keys: Int) -> Self {
    Self(m: keys, n: a.valueSize, k: rows, a: (1, keys), b: (a.y.row, 1), yRow: a.v.row, adds: true)
  }

  static func ofKeys(_ a: AttentionParams, _ rows: Int, _ keys: Int) -> Self {
    Self(
      m: keys, n: a.size, k: rows, a: (1, keys), b: (a.q.row, 1), yRow: a.k.row, alpha: a.scale, adds: true)
  }

  var params: maas_f32_gemm_params {
    var params = maas_f32_gemm_params()
    (params.m, params.n, params.k) = (Int64(m), Int64(n), Int64(k))
    (params.a_row, params.a_col) = (Int64(a.row), Int64(a.column))
    (params.b_form, params.b_row, params.b_col) = (MAAS_GEMM_B_PLAIN, Int64(b.row), Int64(b.column))
    (params.y_row, params.alpha) = (Int64(yRow), alpha)
    return params
  }
}

/// q, k, v, mask or NULL, int64 lengths or NULL, dy, dq, dk, dv, ds or NULL. Items are heads of k and v.
private enum AttentionGradientKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(BackwardAttention.self)
    let a = params.pointee.attention
    for item in chunk.begin..<chunk.end {
      for h in 0..<a.group {
        for first in stride(from: 0, to: a.queries, by: params.pointee.rows) {
          if chunk.isStopped { return StepStatus.stopped }
          let head = item % a.keyHeads * a.group + h
          BackwardBlock<T>(chunk, params, batch: item / a.keyHeads, head: head, first: first)?.run()
        }
      }
    }
    return StepStatus.ok
  }
}

/// Some rows of queries of one head.
private struct BackwardBlock<T: Number & BinaryFloatingPoint> {
  private typealias Elements = UnsafeMutablePointer<T>
  private let chunk: Chunk
  private let p: UnsafePointer<BackwardAttention>
  private let batch, head, first, rows, keys: Int
  private let weights, slopes: UnsafeMutablePointer<T>

  /// Nil where no row sees a key.
  init?(_ chunk: Chunk, _ params: UnsafePointer<BackwardAttention>, batch: Int, head: Int, first: Int) {
    (self.chunk, p) = (chunk, params)
    (self.batch, self.head, self.first) = (batch, head, first)
    rows = min(params.pointee.rows, params.pointee.attention.queries - first)
    var upper = 0
    for r in 0..<rows {
      let seen = params.pointee.attention.bias.visible(batch, first + r, chunk.optional(4, as: Int64.self))
      if !seen.isEmpty { upper = max(upper, seen.upperBound) }
    }
    if upper == 0 { return nil }
    keys = params.pointee.keys(upper)
    let scratch = chunk.worker.pointee.scratch.unsafelyUnwrapped + params.pointee.productScratch
    weights = scratch.assumingMemoryBound(to: T.self)
    slopes = weights + rows * keys
  }

  private func place(_ operand: Int, _ layout: HeadLayout, _ head: Int, _ row: Int) -> Elements {
    chunk.output(operand, as: T.self) + layout.offset(batch, head, row)
  }

  func run() {
    let a = p.pointee.attention
    let shared = head / a.group
    let (q, dy) = (place(0, a.q, head, first), place(5, a.y, head, first))
    let (k, v) = (place(1, a.k, shared, 0), place(2, a.v, shared, 0))
    multiply(q, k, weights, .scores(a, rows, keys))
    for r in 0..<rows { hide(r) }
    normalise()
    multiply(dy, v, slopes, .weights(a, rows, keys))
    multiply(weights, dy, place(8, a.v, shared, 0), .values(a, rows, keys))
    passSoftmax()
    if chunk.address(9) != nil { keepSlopes() }
    multiply(slopes, k, place(6, a.q, head, first), .queries(a, rows, keys))
    multiply(slopes, q, place(7, a.k, shared, 0), .ofKeys(a, rows, keys))
  }

  /// Applies the mask to a row of scores.
  private func hide(_ r: Int) {
    let bias = p.pointee.attention.bias
    let seen = bias.visible(batch, first + r, chunk.optional(4, as: Int64.self))
    let mask = chunk.address(3).map { UnsafeRawPointer($0) }
    bias.add(mask, batch, head, first + r, seen, weights + r * keys, first: 0, count: keys)
  }

  /// The softmax of each row of scores; 0 for one that sees nothing.
  private func normalise() {
    // At most 64 rows.
    var blind: UInt64 = 0
    for r in 0..<rows where !seesSomething(weights + r * keys) { blind |= 1 << UInt64(r) }
    if T.self == Float.self {
      var params = maas_f32_softmax_params(log: false, outer: Int64(rows), axis: Int64(keys), inner: 1)
      let split = maas_f32_softmax_split(&params)
      let pointer = UnsafeMutableRawPointer(weights)
      chunk.call(maas_f32_softmax, [pointer, pointer, nil, nil, nil, nil, nil, nil], params, split)
    } else {
      for r in 0..<rows { plainSoftmax(weights + r * keys) }
    }
    for r in 0..<rows where blind >> UInt64(r) & 1 == 1 {
      for j in 0..<keys { weights[r * keys + j] = 0 }
    }
  }

  private func seesSomething(_ row: Elements) -> Bool {
    for j in 0..<keys where row[j] != -T.infinity { return true }
    return false
  }

  private func plainSoftmax(_ row: Elements) {
    let exp = maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0)
    var (most, sum) = (-Double.infinity, 0.0)
    for j in 0..<keys { most = Double.greatest(most, row[j].double) }
    for j in 0..<keys {
      let value = maas_f64_unary(exp, row[j].double - most)
      row[j] = T(value)
      sum += value
    }
    for j in 0..<keys { row[j] /= T(sum) }
  }

  /// The gradients of the scores out of those of their softmax.
  private func passSoftmax() {
    if T.self == Float.self {
      var params = maas_f32_softmax_params(log: false, outer: Int64(rows), axis: Int64(keys), inner: 1)
      let split = maas_f32_softmax_slope_split(&params)
      let (own, slope) = (UnsafeMutableRawPointer(weights), UnsafeMutableRawPointer(slopes))
      return chunk.call(
        maas_f32_softmax_slope, [slope, own, slope, nil, nil, nil, nil, nil], params, split)
    }
    for r in 0..<rows {
      let (own, slope) = (weights + r * keys, slopes + r * keys)
      var sum: T = 0
      for j in 0..<keys { sum += own[j] * slope[j] }
      for j in 0..<keys { slope[j] = own[j] * (slope[j] - sum) }
    }
  }

  private func keepSlopes() {
    let (a, seen) = (p.pointee.attention, p.pointee.seen)
    let ds = chunk.output(9, as: T.self) + ((batch * a.heads + head) * a.queries + first) * seen
    for r in 0..<rows {
      maas_sys_copy(ds + r * seen, slopes + r * keys, min(keys, seen) * MemoryLayout<T>.size)
    }
  }

  private func multiply(_ a: Elements, _ b: Elements, _ y: Elements, _ product: BackwardProduct) {
    guard T.self == Float.self else { return multiplyPlainly(a, b, y, product) }
    var params = product.params
    let split = maas_f32_gemm_split(&params)
    let pointers = (UnsafeMutableRawPointer(a), UnsafeMutableRawPointer(b), UnsafeMutableRawPointer(y))
    chunk.call(
      maas_f32_gemm,
      [pointers.0, pointers.1, nil, product.adds ? pointers.2 : nil, pointers.2, nil, nil, nil], params, split
    )
  }

  private func multiplyPlainly(_ a: Elements, _ b: Elements, _ y: Elements, _ product: BackwardProduct) {
    for i in 0..<product.m {
      for j in 0..<product.n {
        var sum: T = 0
        for l in 0..<product.k {
          sum += a[i * product.a.row + l * product.a.column] * b[l * product.b.row + j * product.b.column]
        }
        let old = product.adds ? y[i * product.yRow + j] : 0
        y[i * product.yRow + j] = old + T(product.alpha) * sum
      }
    }
  }
}
