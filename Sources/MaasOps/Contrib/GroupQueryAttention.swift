import CMaasKernels
import MaasCore
import MaasGraph

/// com.microsoft's GroupQueryAttention: causal attention with a cache of keys and values, several heads of Q for each
/// of those, and their rotation.
///
/// Inputs: Q [batch, sequence, width], K, V (or all three in Q, side by side), past keys and values [batch, heads,
/// past, size], last positions [batch], total length, cosines, sines, position ids, attention bias, sinks, and at 16
/// how many places of each batch are no padding. Outputs: Y, present keys and values, and scores.
package final class GroupQueryAttention: ReadableOperator {
  package let name = "GroupQueryAttention"
  private let heads, keyHeads: Int
  private let scale, softcap: Float
  private let isRotary, isInterleaved, isCausal, isSmooth: Bool
  private let window: Int
  private let stage: Attention.ScoreStage

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    heads = try reader.int("num_heads", default: 0, 1...Int(Int32.max))
    keyHeads = try reader.int("kv_num_heads", default: 0, 1...heads)
    scale = try reader.float("scale") ?? 0
    softcap = try reader.float("softcap") ?? 0
    isRotary = try reader.int("do_rotary") ?? 0 == 1
    isInterleaved = try reader.int("rotary_interleaved") ?? 0 == 1
    isCausal = try reader.int("causal", default: 1, 0...1) == 1
    isSmooth = try reader.int("smooth_softmax") ?? 0 == 1
    window = try reader.int("local_window_size", default: -1, -1...Int(Int32.max))
    stage = try reader.int("qk_output", default: 0, 0...2) == 2 ? .probabilities : .biased
    _ = try reader.int("sliding_window_cache", default: 0, 0...0)
    for kind in ["k_quant_type", "v_quant_type"] { _ = try reader.choice(kind, [("NONE", 0)]) }
    reader.ignore("kv_cache_bit_width", "qk_norm_epsilon", "q_norm_epsilon", "k_norm_epsilon")
    try reader.finish()
    guard heads % keyHeads == 0, isCausal || window == -1, window != 0 else {
      throw MaasError(
        .invalidModel, "attributes do not go together",
        expected: "num_heads a multiple of kv_num_heads; a local_window_size of -1, or positive and causal")
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(7...17)
    try node.refuse(12...15)
    try node.expectDType(0, [.float, .float16])
    for i in [1, 2, 3, 4, 7, 8, 11] where node.has(i) { try node.expectSameDType(0, i) }
    for i in [5, 6, 16] where node.has(i) { try node.expectDType(i, [.int32]) }
    if node.has(9) { try node.expectDType(9, [.int64]) }
    try node.expectSingle(6)
    for (i, j) in [(1, 2), (3, 4), (7, 8)] where node.has(i) != node.has(j) {
      throw MaasError(.invalidModel, "inputs \(i) and \(j) come together")
    }
    if isRotary, !node.has(7) { throw MaasError(.invalidModel, "a rotation needs cosines and sines") }
    let query = try node.shape(0) ?? node.unknownShape(rank: 3)
    try node.expectRank(0, 3)
    let (batch, sequence) = (query[0], query[1])
    let size = try size(query[2], isPacked: !node.has(1))
    for i in 1..<3 { try node.expectShape(i, [batch, sequence, .known(keyHeads) * size]) }
    try checkRotation(&node, batch, sequence, size)
    let past = node.has(3) ? try node.shape(3)?[at: 2] ?? node.unknownDim() : .known(0)
    for i in 3..<5 { try node.expectShape(i, [batch, .known(keyHeads), past, size]) }
    if let count = try node.shape(5).map({ Shape($0).count }) {
      _ = try unified(batch, count, "the batch and input 5")
    }
    try node.expectShape(16, [batch])
    try node.expectShape(11, [.known(heads)])
    try setOutputs(&node, batch, sequence, size, past)
  }

  private func setOutputs(
    _ node: inout Inference, _ batch: Dim, _ sequence: Dim, _ size: Dim, _ past: Dim
  ) throws(MaasError) {
    let dtype = try node.dtype(0)
    node.setOutput(0, dtype, [batch, sequence, .known(heads) * size])
    guard (1..<4).contains(where: { node.wantsOutput($0) }) || node.has(10) else { return }
    let total = try node.dims(6)?.first ?? node.unknownDim()
    try node.expectAddend(10, [batch, .known(heads), sequence, total])
    if let total = total.value, total < 0 {
      throw MaasError(.outOfRange, "the total length is negative", found: "\(total)")
    }
    for i in 1..<3 {
      node.setOutput(i, dtype, [batch, .known(keyHeads), capacity(node, past, total, sequence), size])
    }
    node.setOutput(3, dtype, [batch, .known(heads), sequence, total])
  }

  /// How many keys the cache has room for: those of the past, or more where the total does not fit.
  private func capacity(_ node: Inference, _ past: Dim, _ total: Dim, _ sequence: Dim) -> Dim {
    if let past = past.value, let total = total.value { return .known(max(past, total)) }
    return total == past + sequence ? total : node.unknownDim()
  }

  private func size(_ width: Dim, isPacked: Bool) throws(MaasError) -> Dim {
    let count = isPacked ? heads + 2 * keyHeads : heads
    if let width = width.value, width % count != 0 || width == 0 {
      throw MaasError(
        .shapeMismatch, "the query does not divide into heads", expected: "a multiple of \(count)",
        found: "\(width)")
    }
    return width.floorDivided(by: count)
  }

  private func checkRotation(
    _ node: inout Inference, _ batch: Dim, _ sequence: Dim, _ size: Dim
  ) throws(MaasError) {
    for i in 7..<9 where node.has(i) { try node.expectRank(i, 2) }
    try node.expectShape(9, [batch, sequence])
    guard isRotary, let cosines = try node.shape(7) else { return }
    try node.expectShape(8, cosines)
    guard let pairs = cosines[1].value, let size = size.value, 2 * pairs > size else { return }
    throw MaasError(
      .shapeMismatch, "the cosines are for larger heads", expected: "at most \(size / 2) columns",
      found: "\(pairs)")
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let size = try size(.known(try node.input(0).shape[2]), isPacked: node.optionalInput(1) == nil).value ?? 0
    var views: [HeadView] = []
    for i in 0..<3 {
      let (own, count) = (node.optionalInput(i), i == 0 ? heads : keyHeads)
      let first = own != nil ? 0 : heads + (i - 1) * keyHeads
      views.append(
        HeadView(
          rows: try node.widenedInput(own != nil ? i : 0), first: first * size, heads: count, size: size))
    }
    let past = node.optionalInput(3)?.shape[2] ?? 0
    let capacity =
      (node.optionalOutput(1) ?? node.optionalOutput(2))?.shape[2]
      ?? max(past + views[0].sequence, node.optionalOutput(3)?.shape[3] ?? 0)
    let places = try node.emitPlaces(views[0], past: past, capacity: capacity)
    for i in 0..<3 {
      if isRotary, i < 2 { views[i] = try rotated(&node, views[i], places[1]) }
      if i > 0 { views[i] = try node.cached(views[i], i, capacity, places[0], group: heads / keyHeads) }
    }
    try attend(&node, views, places[0])
    for o in 1..<3 { node.deliver(views[o].operand, o) }
  }

  private func attend(
    _ node: inout Lowering, _ views: [HeadView], _ lengths: Operand
  ) throws(MaasError) {
    let (q, capacity) = (views[0], views[1].sequence)
    var operands: [Operand?] = views.map { $0.operand }
    operands += [try node.widenedOptional(10), lengths, try node.widenedTarget(optional: 0), nil, nil]
    let bias = AttentionBias(
      isCausal: isCausal, window: (window > 0 ? window - 1 : -1, -1), queries: q.sequence, total: capacity,
      past: 0, placesAt: q.batch, operands[3], heads)
    if node.optionalOutput(3) != nil {
      operands[6] = try node.temporary(.float, [q.batch, heads, q.sequence, capacity])
    }
    operands[7] = try node.widenedOptional(11)
    if isSmooth, node.optionalInput(11) == nil { operands[7] = try node.scalar(0, .float, [heads]) }
    try node.emitAttention(
      AttentionParams(
        q, views[1], views[2], scale: scale, softcap: softcap, bias: bias, stage: stage, hiddenScore: 0,
        hiddenRow: 0),
      operands)
    if let y = operands[5] { node.deliver(y, 0) }
    if let scores = operands[6] { try deliver(&node, scores) }
  }

  /// Scores of all that the cache has room for, as output 3, which has those of the total length.
  private func deliver(_ node: inout Lowering, _ scores: Operand) throws(MaasError) {
    guard let kept = try node.widenedTarget(optional: 3) else { return }
    try node.emitCopy(
      scores, kept, kept.shape, xStrides: contiguousStrides(scores.shape),
      yStrides: contiguousStrides(kept.shape))
    node.deliver(kept, 3)
  }

  private func rotated(
    _ node: inout Lowering, _ x: HeadView, _ positions: Operand
  ) throws(MaasError) -> HeadView {
    let y = HeadView(whole: try node.temporary(.float, [x.batch, x.heads, x.sequence, x.size]))
    var params = Rotation(
      batch: x.batch, heads: x.heads, sequence: x.sequence, size: x.size, x.layout, y.layout)
    params.interleaved = isInterleaved
    let cosines = try node.widenedInput(7)
    (params.pairs, params.positions) = (Int64(cosines.shape[1]), Int64(cosines.shape[0]))
    (params.id_batch, params.id_place) = (Int64(x.sequence), 1)
    node.emitRotation(params, [x.operand, cosines, try node.widenedInput(8), positions, y.operand])
    return y
  }
}
