import CMaasKernels
import MaasCore
import MaasGraph

/// Scaled dot-product attention: Y = softmax(softcap(scale Q K') + bias) V for every head.
///
/// Inputs: Q, K, V, mask, past key, past value, lengths; outputs: Y, present key, present value, and the scores at the
/// stage that an attribute names. Several heads of Q may share one of K and V.
package final class Attention: ReadableOperator {
  package let name = "Attention"
  let scale: Float?
  let softcap: Float
  let isCausal: Bool
  /// How far a query sees to the left and to the right; -1: as far as there is something.
  let window: (left: Int, right: Int)
  let scoreStage: ScoreStage
  private let queryHeads, keyHeads: Int?
  /// Of rewrites: which columns of inputs 0 to 2 are theirs, and what the score of a masked key becomes.
  private let columns: [HeadColumns?]
  let isRewritten: Bool
  let fill: Float
  /// What a row is that sees no key.
  let hiddenRow: Float

  /// What output 3 holds.
  enum ScoreStage: Int {
    case product, capped, biased, probabilities
  }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    scale = try reader.float("scale")
    softcap = try reader.float("softcap") ?? 0
    isCausal = try reader.int("is_causal") ?? 0 != 0
    window = (try reader.int("left_window_size") ?? -1, try reader.int("right_window_size") ?? -1)
    queryHeads = try reader.int("q_num_heads")
    keyHeads = try reader.int("kv_num_heads")
    let mode = try reader.int("qk_matmul_output_mode") ?? 0
    // The softmax is computed in float or better.
    reader.ignore("softmax_precision")
    try reader.finish()
    guard let stage = ScoreStage(rawValue: mode) else {
      throw MaasError(
        .invalidModel, "attribute 'qk_matmul_output_mode' has an unknown value", expected: "0 to 3",
        found: "\(mode)")
    }
    scoreStage = stage
    (columns, isRewritten, fill, hiddenRow) = ([nil, nil, nil], false, -.infinity, 0)
    guard window.left >= -1, window.right >= -1 else {
      throw MaasError(
        .invalidModel, "a window size must be -1 or not negative", found: "\(window.left), \(window.right)")
    }
  }

  /// What FlexAttention is without modifiers; with `heads` for tensors of three dimensions.
  init(scale: Float?, heads: Int? = nil, isCausal: Bool = false) {
    (self.scale, self.isCausal) = (scale, isCausal)
    (softcap, window, scoreStage) = (0, (-1, -1), .product)
    (queryHeads, keyHeads) = (heads, heads)
    (columns, isRewritten, fill, hiddenRow) = ([nil, nil, nil], false, -.infinity, 0)
  }

  /// What rewrites make. A mask has an element for every key; one of bools puts `fill` in the place of scores.
  package init(
    scale: Float, queryHeads: Int?, keyHeads: Int?, columns: [HeadColumns?], fill: Float, hiddenRow: Float
  ) {
    (self.scale, self.queryHeads, self.keyHeads) = (scale, queryHeads, keyHeads)
    (self.columns, isRewritten, self.fill, self.hiddenRow) = (columns, true, fill, hiddenRow)
    (isCausal, softcap, window, scoreStage) = (false, 0, (-1, -1), .product)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...7)
    for i in [0, 1, 2, 4, 5] where node.has(i) { try node.expectDType(i, DType.floats) }
    try node.expectSameDType(0, 1)
    if node.has(3) { try node.expectDType(3, DType.numbers + [.bool]) }
    if node.has(6) {
      try node.expectDType(6, [.int64])
      try node.expectRank(6, 1)
    }
    try checkPast(node)
    let (query, value) = (try node.dtype(0), try node.dtype(2))
    guard let q = try node.shape(0), let k = try node.shape(1), let v = try node.shape(2) else {
      node.setOutput(0, query, nil)
      for (i, dtype) in [(1, query), (2, value), (3, query)] {
        node.setOutput(i, dtype, node.unknownShape(rank: 4))
      }
      return
    }
    let shapes = try shapes(
      q, k, v, past: try node.has(4) ? node.shape(4) ?? node.unknownShape(rank: 4) : nil)
    try check(node, shapes)
    node.setOutput(0, query, shapes.y)
    node.setOutput(1, query, [shapes.k.batch, shapes.k.heads, shapes.total, shapes.k.size])
    node.setOutput(2, value, [shapes.k.batch, shapes.k.heads, shapes.total, shapes.v.size])
    node.setOutput(3, query, shapes.scores)
  }

  private func checkPast(_ node: Inference) throws(MaasError) {
    guard node.has(4) == node.has(5), !(node.has(4) && node.has(6)) else {
      throw MaasError(
        .invalidModel, "past key and past value come together, and without lengths of an outside cache")
    }
    guard node.has(4) else { return }
    for i in 4..<6 { try node.expectRank(i, 4) }
    try node.expectSameDType(1, 4)
    try node.expectSameDType(2, 5)
  }

  func shapes(_ q: [Dim], _ k: [Dim], _ v: [Dim], past: [Dim]?) throws(MaasError) -> AttentionShapes {
    AttentionShapes(
      q: try HeadShape(q, heads: queryHeads, "Q", columns[0]),
      k: try HeadShape(k, heads: keyHeads, "K", columns[1]),
      v: try HeadShape(v, heads: keyHeads, "V", columns[2]), past: past?[2])
  }

  private func check(_ node: Inference, _ shapes: AttentionShapes) throws(MaasError) {
    let (q, k, v) = (shapes.q, shapes.k, shapes.v)
    try shapes.check()
    for (i, size) in [(4, k.size), (5, v.size)] {
      try node.expectShape(i, [q.batch, k.heads, shapes.past ?? .known(0), size])
    }
    if let lengths = node.has(6) ? try node.shape(6)?.first : nil {
      _ = try unified(q.batch, lengths, "the batch and the lengths")
    }
    if node.has(3), let mask = try node.shape(3) { try checkMask(mask, shapes.scores) }
  }

  /// The last dimension may be shorter than there are keys, the others broadcast.
  private func checkMask(_ mask: [Dim], _ scores: [Dim]) throws(MaasError) {
    var fits = mask.count >= 1 && mask.count <= 4
    for (i, (own, whole)) in zip(mask.reversed(), scores.reversed()).enumerated() where fits {
      guard let own = own.value, let whole = whole.value else { continue }
      fits = own == whole || (own == 1 && (i > 0 || !isRewritten)) || (i == 0 && own < whole && !isRewritten)
    }
    guard fits else {
      throw MaasError(
        .shapeMismatch, "the mask does not fit the scores", expected: Shape(scores).text,
        found: Shape(mask).text)
    }
  }
}

struct AttentionShapes {
  let q, k, v: HeadShape
  let past: Dim?

  var total: Dim { past.map { $0 + k.sequence } ?? k.sequence }
  var scores: [Dim] { [q.batch, q.heads, q.sequence, total] }
  var y: [Dim] {
    q.isPacked ? [q.batch, q.sequence, q.heads * v.size] : [q.batch, q.heads, q.sequence, v.size]
  }

  func check() throws(MaasError) {
    for other in [k, v] { _ = try unified(q.batch, other.batch, "the batches of Q, K and V") }
    _ = try unified(q.size, k.size, "the sizes of the heads of Q and K")
    _ = try unified(k.sequence, v.sequence, "the lengths of K and V")
    _ = try unified(k.heads, v.heads, "the heads of K and V")
    guard let a = q.heads.value, let b = k.heads.value, b == 0 || a % b != 0 else { return }
    throw MaasError(
      .shapeMismatch, "the heads of Q do not divide into those of K", expected: "a multiple of \(b)",
      found: "\(a)")
  }
}
