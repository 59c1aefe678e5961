import CMaasKernels
import MaasCore
import MaasGraph

/// com.microsoft's MultiHeadAttention: attention over projected Q, K and V, to which a bias may be added first.
///
/// Inputs: Q [batch, sequence, width]; K and V alike, or [batch, heads, sequence, size]; or K and V as K
/// [batch, sequence, heads, 2, size]; or all three as Q [batch, sequence, heads, 3, size]; then bias, mask, attention
/// bias, past keys and past values. Outputs: Y, present keys, present values, and the scores.
package final class MultiHeadAttention: ReadableOperator {
  package let name = "MultiHeadAttention"
  private let attention: MaskedAttention

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    attention = try MaskedAttention(&reader)
    try reader.finish()
  }

  private var heads: Int { attention.heads }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...10)
    try node.refuse(8...9)
    try node.expectDType(0, DType.upToFloat)
    for i in [1, 2, 3, 6, 7] where node.has(i) { try node.expectSameDType(0, i) }
    guard node.has(6) == node.has(7) else {
      throw MaasError(.invalidModel, "past keys and past values come together")
    }
    let dtype = try node.dtype(0)
    guard let shapes = try shapes(node) else {
      node.setOutput(0, dtype, node.unknownShape(rank: 3))
      for i in 1..<4 { node.setOutput(i, dtype, node.unknownShape(rank: 4)) }
      return
    }
    try shapes.check()
    let past = node.has(6) ? try node.shape(6)?[2] ?? node.unknownDim() : nil
    let (q, k, v) = (shapes.q, shapes.k, shapes.v)
    if let past {
      try node.expectShape(6, [q.batch, k.heads, past, k.size])
      try node.expectShape(7, [q.batch, k.heads, past, v.size])
    }
    if node.has(3) {
      let own = q.heads * q.size
      try node.expectShape(3, [own + own + v.heads * v.size])
    }
    let total = past.map { $0 + k.sequence } ?? k.sequence
    try attention.check(node, mask: 4, bias: 5, q.batch, q.sequence, total)
    node.setOutput(0, dtype, [q.batch, q.sequence, v.heads * v.size])
    node.setOutput(1, dtype, [q.batch, q.heads, total, k.size])
    node.setOutput(2, dtype, [q.batch, q.heads, total, v.size])
    node.setOutput(3, dtype, [q.batch, q.heads, q.sequence, total])
  }

  /// Of the heads in any of the forms; nil where a rank is unknown.
  private func shapes(_ node: Inference) throws(MaasError) -> AttentionShapes? {
    guard let query = try node.shape(0) else { return nil }
    if !node.has(1) {
      let all = try interleaved(node, 0, parts: 3)
      return AttentionShapes(q: all, k: all, v: all, past: nil)
    }
    try node.expectRank(0, 3)
    let q = try HeadShape(query, heads: heads, "the query")
    guard let key = try node.shape(1) else { return nil }
    if !node.has(2) {
      let both = try interleaved(node, 1, parts: 2)
      return AttentionShapes(q: q, k: both, v: both, past: nil)
    }
    try node.expectRank(2, key.count)
    guard let value = try node.shape(2) else { return nil }
    if key.count == 4, node.has(6) {
      throw MaasError(.invalidModel, "keys of rank 4 are all there are: past keys cannot come before them")
    }
    return AttentionShapes(
      q: q, k: try HeadShape(key, heads: heads, "the key"),
      v: try HeadShape(value, heads: heads, "the value"),
      past: nil)
  }

  /// Input `i` as [batch, sequence, heads, parts, size].
  private func interleaved(_ node: Inference, _ i: Int, parts: Int) throws(MaasError) -> HeadShape {
    try node.expectRank(i, 5)
    let shape = try node.shape(i) ?? node.unknownShape(rank: 5)
    try node.expectShape(i, [shape[0], shape[1], .known(heads), .known(parts), shape[4]])
    return try HeadShape([shape[0], .known(heads), shape[1], shape[4]], heads: heads, "input \(i)")
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    var views: [HeadView] = []
    let past = node.optionalInput(6)?.shape[2] ?? 0
    var first = 0
    for part in 0..<3 {
      var view = try view(&node, part)
      // Keys of rank 4 come from another network, ready for use.
      if part == 0 || node.optionalInput(1)?.rank != 4 { view = try node.biased(view, 3, first: first) }
      first += view.heads * view.size
      views.append(part > 0 ? try appended(&node, view, past, part) : view)
    }
    try attention.lower(&node, views[0], views[1], views[2], mask: 4, bias: 5, past: past, kept: 3)
    for o in 1..<3 { node.deliver(views[o].operand, o) }
  }

  /// The heads of Q, K or V: those in an input of their own, or in the last one there is.
  private func view(_ node: inout Lowering, _ part: Int) throws(MaasError) -> HeadView {
    var i = part
    while i > 0, node.optionalInput(i) == nil { i -= 1 }
    let x = try node.widenedInput(i)
    if x.rank == 4 { return HeadView(whole: x) }
    if x.rank == 3 { return HeadView(rows: x, first: 0, heads: heads, size: x.shape[2] / heads) }
    return HeadView(interleaved: x, part: part - i)
  }

  /// The heads behind those of the past as output `o`.
  private func appended(
    _ node: inout Lowering, _ own: HeadView, _ past: Int, _ o: Int
  ) throws(MaasError) -> HeadView {
    if past == 0, node.optionalOutput(o) == nil { return own }
    let shape = [own.batch, own.heads, past + own.sequence, own.size]
    let whole = HeadView(whole: try node.target(o, .float, shape))
    if past > 0 { try node.emitCopy(HeadView(whole: try node.widenedInput(5 + o)), whole) }
    try node.emitCopy(own, whole, at: past)
    return whole
  }
}

extension Inference {
  /// Refuses inputs that ONNX Runtime knows and maas does not.
  func refuse(_ inputs: ClosedRange<Int>) throws(MaasError) {
    for i in inputs where has(i) { throw MaasError(.unsupported, "input \(i) is not supported") }
  }
}
