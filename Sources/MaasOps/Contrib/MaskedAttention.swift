import CMaasKernels
import MaasCore
import MaasGraph

/// What com.microsoft's Attention and MultiHeadAttention have in common: masks as numbers that are added to scores.
struct MaskedAttention {
  let heads: Int
  private let scale: Float
  private let isCausal: Bool
  private let filter: Float

  init(_ reader: inout AttributeReader) throws(MaasError) {
    heads = try reader.int("num_heads", default: 0, 1...Int(Int32.max))
    scale = try reader.float("scale") ?? 0
    isCausal = try reader.int("unidirectional", default: 0, 0...1) == 1
    filter = try reader.float("mask_filter_value") ?? -10000
  }

  /// Checks the mask, input `i`, and the bias, input `j`.
  func check(
    _ node: Inference, mask i: Int, bias j: Int, _ batch: Dim, _ queries: Dim, _ total: Dim
  ) throws(MaasError) {
    if node.has(i) { try checkMask(node, i, batch, queries, total) }
    try node.expectAddend(j, [batch, .known(heads), queries, total])
  }

  private func checkMask(
    _ node: Inference, _ i: Int, _ batch: Dim, _ queries: Dim, _ total: Dim
  ) throws(MaasError) {
    try node.expectDType(i, [.int32])
    guard let mask = try node.shape(i) else { return }
    switch mask.count {
    case 1:
      let allowed = [batch, batch * .known(2), batch * .known(3) + .known(2)]
      guard mask[0].value != nil, batch.value != nil, !allowed.contains(mask[0]) else { return }
      throw MaasError(
        .shapeMismatch, "the mask has the wrong length", expected: joined(allowed.map { $0.text }, " or "),
        found: mask[0].text)
    case 2 where mask[1] != .known(1): try node.expectShape(i, [batch, total])
    case 2: break
    case 3: try node.expectShape(i, [batch, queries, total])
    default:
      throw MaasError(
        .unsupported, "a mask of this rank is not supported", expected: "1 to 3", found: "\(mask.count)")
    }
  }

  /// Emits the attention of heads, with the mask as input `i` and the bias as input `j`. `past` keys come before those
  /// of the queries' own positions. Output `kept` is the scores.
  func lower(
    _ node: inout Lowering, _ q: HeadView, _ k: HeadView, _ v: HeadView, mask i: Int, bias j: Int, past: Int,
    kept: Int
  ) throws(MaasError) {
    let mask = try mask(&node, i, j, q, total: k.sequence)
    let bias = AttentionBias(
      isCausal: isCausal, lastSeesAll: true, window: (-1, -1), queries: q.sequence, total: k.sequence,
      past: past,
      mask, heads)
    let params = AttentionParams(
      q, k, v, scale: scale, softcap: 0, bias: bias, stage: .biased,
      hiddenScore: -Float.greatestFiniteMagnitude, hiddenRow: .nan)
    var operands: [Operand?] = [q.operand, k.operand, v.operand, mask, nil]
    for o in [0, kept] { operands.append(try node.widenedTarget(optional: o)) }
    try node.emitAttention(params, operands + [nil])
    for (o, result) in [(0, operands[5]), (kept, operands[6])] {
      if let result { node.deliver(result, o) }
    }
  }

  /// What is added to the scores: nil, or of rank 4.
  private func mask(
    _ node: inout Lowering, _ i: Int, _ j: Int, _ q: HeadView, total: Int
  ) throws(MaasError) -> Operand? {
    let bias = try node.widenedOptional(j)
    guard let mask = node.optionalInput(i), let added = try added(&node, mask, q.batch, total: total) else {
      return bias
    }
    guard let bias else { return added }
    let sum = try node.temporary(
      .float, [max(added.shape[0], bias.shape[0]), bias.shape[1], bias.shape[2], total])
    try node.emitBinary(.add, added, bias, sum)
    return sum
  }

  /// The mask as 0 and the filter's value; nil where it hides nothing.
  private func added(
    _ node: inout Lowering, _ mask: Operand, _ batch: Int, total: Int
  ) throws(MaasError) -> Operand? {
    if mask.rank == 2, mask.shape[1] == 1 { return nil }
    let queries = mask.rank == 3 ? mask.shape[1] : 1
    let result = try node.temporary(.float, [batch, 1, queries, total])
    let params = MaskParams(
      total: total, filter: filter, isLength: mask.rank == 1, batch: batch,
      hasStarts: mask.rank == 1 && mask.count == 2 * batch)
    node.emit(
      { spread(Chunk($0, $1, $2, $3)) }, [mask, result], params, items: batch * queries,
      grain: grain(nanoseconds: total))
    return result
  }
}

extension Inference {
  /// Refuses an input, if it is there, that cannot be added to scores; of its dimensions only the first two may be 1.
  func expectAddend(_ i: Int, _ scores: [Dim]) throws(MaasError) {
    guard has(i) else { return }
    try expectSameDType(0, i)
    try expectRank(i, 4)
    guard let own = try shape(i) else { return }
    try expectShape(i, (0..<4).map { $0 < 2 && own[$0] == .known(1) ? own[$0] : scores[$0] })
  }
}

extension AttentionParams {
  /// Heads of Q, K and V that give [batch, queries, heads, size of V's].
  init(
    _ q: HeadView, _ k: HeadView, _ v: HeadView, scale: Float, softcap: Float, bias: AttentionBias,
    stage: Attention.ScoreStage, hiddenScore: Float, hiddenRow: Float
  ) {
    let width = q.heads * v.size
    self.init(
      batch: q.batch, heads: q.heads, keyHeads: k.heads, queries: q.sequence, total: k.sequence, size: q.size,
      valueSize: v.size, q: q.layout, k: k.layout, v: v.layout,
      y: HeadLayout(batch: q.sequence * width, head: v.size, row: width),
      scale: scale == 0 ? 1 / Float(q.size).squareRoot() : scale, softcap: softcap, bias: bias, stage: stage,
      hiddenScore: hiddenScore, hiddenRow: hiddenRow)
  }
}

private struct MaskParams {
  let total: Int
  let filter: Float
  /// The mask says where each batch's keys end; in its second half, where they start.
  let isLength: Bool
  let batch: Int
  let hasStarts: Bool
}

/// int32 mask, y. Items are rows of y.
private func spread(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(MaskParams.self).pointee
  let mask = chunk.input(0, as: Int32.self)
  for item in chunk.begin..<chunk.end {
    let y = chunk.output(1, as: Float.self) + item * p.total
    if p.isLength {
      let (low, high) = (p.hasStarts ? Int(mask[p.batch + item]) : 0, Int(mask[item]))
      if high < 0 { return chunk.refuse(value: high, 0, p.total + 1) }
      for i in 0..<p.total { y[i] = i >= low && i < high ? 0 : p.filter }
    } else {
      for i in 0..<p.total { y[i] = mask[item * p.total + i] > 0 ? 0 : p.filter }
    }
  }
  return StepStatus.ok
}
