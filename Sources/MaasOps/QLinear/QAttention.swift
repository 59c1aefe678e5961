import MaasCore
import MaasGraph

/// Attention of a quantized tensor with itself: Q, K and V are its product with quantized weights, dequantized.
///
/// Inputs: X [batch, sequence, width], weights [width, 3 hidden], bias, X's scale, the weights' scales, mask_index, the
/// zero points of X and of the weights, past [2, batch, heads, past, size]; outputs: Y, and present like past.
package final class QAttention: ReadableOperator {
  package let name = "QAttention"
  private let heads: Int
  private let attention: Attention
  private let filter: Float

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    heads = try reader.int("num_heads", default: 0, 1...1 << 30)
    let isCausal = try reader.int("unidirectional") ?? 0 != 0
    attention = Attention(scale: try reader.float("scale"), heads: heads, isCausal: isCausal)
    filter = try reader.float("mask_filter_value") ?? -10000
    for name in ["do_rotary", "past_present_share_buffer"] {
      _ = try reader.int(name, default: 0, 0...0)
    }
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(5...9)
    for (i, rank) in [(0, 3), (1, 2), (2, 1), (8, 5)] where node.has(i) { try node.expectRank(i, rank) }
    for i in [2, 3, 4, 8] where node.has(i) { try node.expectDType(i, [.float]) }
    try node.expectSide(0, scale: 3, zero: 6, columns: nil)
    try node.expectSide(1, scale: 4, zero: 7, columns: 1)
    let x = try node.shape(0) ?? node.unknownShape(rank: 3)
    let w = try node.shape(1) ?? node.unknownShape(rank: 2)
    _ = try unified(x[2], w[0], "the last dimension of the input and the rows of the weights")
    if let bias = try node.shape(2) {
      _ = try unified(w[1], bias[0], "the columns of the weights and the bias")
    }
    if let width = w[1].value, width % (3 * heads) != 0 {
      throw MaasError(
        .shapeMismatch, "the weights do not divide into heads",
        expected: "a multiple of \(3 * heads) columns",
        found: "\(width)")
    }
    let size = w[1].floorDivided(by: 3 * heads)
    var total = x[1]
    if node.has(8) {
      let past = try node.shape(8) ?? node.unknownShape(rank: 5)
      for (d, dim) in [(0, .known(2)), (1, x[0]), (2, .known(heads)), (4, size)] {
        _ = try unified(dim, past[d], "dimension \(d) of the past")
      }
      total = past[3] + x[1]
    }
    if node.has(5) { try checkMask(node, batch: x[0], total) }
    node.setOutput(0, .float, [x[0], x[1], size * .known(heads)])
    node.setOutput(1, .float, [.known(2), x[0], .known(heads), total, size])
  }

  private func checkMask(_ node: Inference, batch: Dim, _ total: Dim) throws(MaasError) {
    try node.expectDType(5, [.int32])
    guard let mask = try node.shape(5) else { return }
    var fits = mask.count >= 1 && mask.count <= 3
    if fits, let first = mask[0].value, let batch = batch.value {
      fits = first == batch || (mask.count == 1 && first == 2 * batch)
    }
    if fits, mask.count > 1, let last = mask.last?.value, let total = total.value { fits = last == total }
    if fits { return }
    throw MaasError(
      .shapeMismatch, "the mask has a form that is not supported",
      expected: "[batch], [2 batch], [batch, total] or [batch, sequence, total]", found: Shape(mask).text)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, w, y) = (try node.input(0), try node.input(1), try node.output())
    let (batch, sequence, hidden) = (y.shape[0], y.shape[1], y.shape[2])
    guard hidden > 0 else { return }
    let whole = try node.temporary(.float, [batch * sequence, 3 * hidden])
    let finish = IntegerFinish(aScale: try node.input(3), bScale: try node.input(4), bias: try node.input(2))
    try node.emitIntegerProduct(
      MatrixProduct(m: batch * sequence, n: 3 * hidden, k: x.shape[2]), IntegerSide(x, node.optionalInput(6)),
      IntegerSide(w, node.optionalInput(7)), finish, whole)
    var inputs: [Operand?] = []
    for part in 0..<3 { inputs.append(try columns(&node, whole, part, y.shape)) }
    let past = node.optionalInput(8)
    inputs.append(try mask(&node, batch, sequence, total: (past?.shape[3] ?? 0) + sequence))
    for half in 0..<2 {
      inputs.append(try past.map { (p) throws(MaasError) in try self.half(&node, p, half) })
    }
    var outputs: [Operand?] = [y]
    if let present = node.optionalOutput(1) {
      for _ in 0..<2 { outputs.append(try node.temporary(.float, Array(present.shape[1...]))) }
    }
    try node.substituting(inputs, outputs, attention.lower)
    guard let present = node.optionalOutput(1) else { return }
    for (i, own) in outputs.dropFirst().enumerated() {
      guard let own else { continue }
      try node.emitCopy(own, present, [own.count], xStrides: [1], yStrides: [1], yOffset: i * own.count)
    }
  }

  /// A third of the columns.
  @inline(never)
  private func columns(
    _ node: inout Lowering, _ whole: Operand, _ part: Int, _ shape: [Int]
  ) throws(MaasError) -> Operand {
    let (own, hidden) = (try node.temporary(.float, shape), shape[2])
    try node.emitCopy(
      whole, own, [own.count / hidden, hidden], xStrides: [3 * hidden, 1], yStrides: [hidden, 1],
      xOffset: part * hidden)
    return own
  }

  @inline(never)
  private func half(_ node: inout Lowering, _ past: Operand, _ i: Int) throws(MaasError) -> Operand {
    let half = try node.temporary(.float, Array(past.shape[1...]))
    try node.emitCopy(past, half, [half.count], xStrides: [1], yStrides: [1], xOffset: i * half.count)
    return half
  }

  /// What is added to the scores, [batch, 1, sequence or 1, total].
  private func mask(
    _ node: inout Lowering, _ batch: Int, _ sequence: Int, total: Int
  ) throws(MaasError) -> Operand? {
    guard let mask = node.optionalInput(5) else { return nil }
    let rows = mask.rank == 3 ? mask.shape[1] : 1
    guard rows == 1 || rows == sequence else {
      throw MaasError(
        .shapeMismatch, "the mask does not fit the sequence", expected: "\(sequence) rows", found: "\(rows)")
    }
    let y = try node.temporary(.float, [batch, 1, rows, total])
    let params = MaskIndexParams(
      batch: batch, rows: rows, total: total, hasPlaces: mask.rank > 1, hasBegins: mask.count == 2 * batch,
      filter: filter)
    node.emit(
      { fillMask(Chunk($0, $1, $2, $3)) }, [mask, y], params, items: batch * rows,
      grain: grain(nanoseconds: total))
    return y
  }
}

private struct MaskIndexParams {
  let batch, rows, total: Int
  /// A number for each key; else each batch's number of keys, and where they begin.
  let hasPlaces, hasBegins: Bool
  let filter: Float
}

/// mask_index, y. Items are rows of y.
private func fillMask(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(MaskIndexParams.self).pointee
  let (mask, y) = (chunk.input(0, as: Int32.self), chunk.output(1, as: Float.self))
  for row in chunk.begin..<chunk.end {
    let b = row / p.rows
    for j in 0..<p.total {
      let isVisible =
        p.hasPlaces
        ? mask[row * p.total + j] > 0
        : j < Int(mask[b]) && (!p.hasBegins || j >= Int(mask[p.batch + b]))
      y[row * p.total + j] = isVisible ? 0 : p.filter
    }
  }
  return StepStatus.ok
}
