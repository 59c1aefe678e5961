import CMaasKernels
import MaasCore
import MaasGraph

/// com.microsoft's Attention: the projections to Q, K and V, side by side in one matrix, and attention over them.
///
/// Inputs: X [batch, sequence, width], weights [width, Q + K + V], bias, mask, past [2, batch, heads, past, size],
/// attention bias. Outputs: Y and present [2, batch, heads, total, size].
package final class ProjectedAttention: ReadableOperator {
  package let name = "Attention"
  private let attention: MaskedAttention
  /// The widths of Q, K and V where they are not all the same.
  private let widths: [Int]?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    attention = try MaskedAttention(&reader)
    let widths = try reader.ints("qkv_hidden_sizes") ?? []
    self.widths = widths.isEmpty ? nil : widths
    _ = try reader.int("do_rotary", default: 0, 0...0)
    _ = try reader.int("past_present_share_buffer", default: 0, 0...0)
    reader.ignore("rotary_embedding_dim")
    try reader.finish()
    guard let widths = self.widths else { return }
    let heads = attention.heads
    guard widths.count == 3, widths[0] == widths[1], widths.allSatisfy({ $0 > 0 && $0 % heads == 0 }) else {
      throw MaasError(
        .invalidModel, "attribute 'qkv_hidden_sizes' does not fit",
        expected: "three multiples of \(heads), the first two equal", found: describe(widths))
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...7)
    try node.refuse(6...6)
    try node.expectDType(0, DType.upToFloat)
    for (i, rank) in [(0, 3), (1, 2), (2, 1), (4, 5)] where i < 2 || node.has(i) {
      try node.expectSameDType(0, i)
      try node.expectRank(i, rank)
    }
    let x = try node.shape(0) ?? node.unknownShape(rank: 3)
    let weights = try node.shape(1) ?? node.unknownShape(rank: 2)
    _ = try unified(x[2], weights[0], "the inner dimensions of X and the weights")
    try node.expectShape(2, [weights[1]])
    let sizes = try sizes(weights[1])
    let heads = Dim.known(attention.heads)
    let past = node.has(4) ? try node.shape(4) ?? node.unknownShape(rank: 5) : nil
    if let past {
      try node.expectShape(4, [.known(2), x[0], heads, past[3], sizes.value])
    }
    let total = past.map { $0[3] + x[1] } ?? x[1]
    try attention.check(node, mask: 3, bias: 5, x[0], x[1], total)
    node.setOutput(0, try node.dtype(0), [x[0], x[1], sizes.value * heads])
    guard node.wantsOutput(1) || past != nil else { return }
    _ = try unified(sizes.key, sizes.value, "the sizes of the heads of K and V, which a present needs,")
    node.setOutput(1, try node.dtype(0), [.known(2), x[0], heads, total, sizes.value])
  }

  /// Of one head of Q or K, and of V.
  private func sizes(_ width: Dim) throws(MaasError) -> (key: Dim, value: Dim) {
    let heads = attention.heads
    if let widths {
      _ = try unified(.known(widths.reduce(0, +)), width, "the widths of Q, K and V and the weights")
      return (.known(widths[0] / heads), .known(widths[2] / heads))
    }
    if let width = width.value, width % (3 * heads) != 0 {
      throw MaasError(
        .shapeMismatch, "the weights do not divide into heads of Q, K and V",
        expected: "a multiple of \(3 * heads) columns", found: "\(width)")
    }
    let size = width.floorDivided(by: 3 * heads)
    return (size, size)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    var views = try projected(&node)
    let past = node.optionalInput(4)?.shape[3] ?? 0
    if past > 0 || node.optionalOutput(1) != nil { views = try appended(&node, views, past) }
    try attention.lower(&node, views[0], views[1], views[2], mask: 3, bias: 5, past: past, kept: 2)
    if node.optionalOutput(1) != nil { node.deliver(views[1].operand, 1) }
  }

  /// Q, K and V.
  private func projected(_ node: inout Lowering) throws(MaasError) -> [HeadView] {
    let x = try node.widenedInput(0)
    let width = try node.input(1).shape[1]
    let all = try node.temporary(.float, [x.shape[0], x.shape[1], width])
    var product = MatrixProduct(m: x.shape[0] * x.shape[1], n: width, k: x.shape[2])
    product.cColumn = 1
    try node.emitProduct(product, x, try node.widenedInput(1), try node.widenedOptional(2), nil, all)
    let sizes = try sizes(.known(width))
    let (size, heads) = (sizes.key.value ?? 0, attention.heads)
    return (0..<3).map {
      let own = $0 < 2 ? size : sizes.value.value ?? 0
      return HeadView(rows: all, first: $0 * heads * size, heads: heads, size: own)
    }
  }

  /// Keys and values behind those of the past, as halves of one tensor.
  private func appended(
    _ node: inout Lowering, _ views: [HeadView], _ past: Int
  ) throws(MaasError) -> [HeadView] {
    let own = views[1]
    let shape = [2, own.batch, own.heads, past + own.sequence, own.size]
    let whole = try node.target(1, .float, shape)
    var result = [views[0]]
    for part in 0..<2 {
      let half = HeadView(whole: whole, part: part)
      if past > 0 { try node.emitCopy(HeadView(whole: try node.widenedInput(4), part: part), half) }
      try node.emitCopy(views[1 + part], half, at: past)
      result.append(half)
    }
    return result
  }
}
