import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// Attention without softmax, as a recurrence over a state S of [key size, value size] for each head of keys: S
/// decays by e^decay, takes in the outer product of key and value (delta rules: of what S does not yet give for the
/// key, times beta), and the output is scale q' S.
///
/// Inputs: query, key, value, each [batch, sequence, heads * size], past state, decay, beta; outputs: the result and
/// the last state.
package final class LinearAttention: ReadableOperator {
  package let name = "LinearAttention"
  private let queryHeads, keyHeads: Int
  private let scale: Float
  private let isGated, isDelta: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let rule = try reader.string("update_rule") ?? "gated_delta"
    queryHeads = try reader.int("q_num_heads") ?? 0
    keyHeads = try reader.int("kv_num_heads") ?? 0
    scale = try reader.float("scale") ?? 0
    isGated = rule == "gated" || rule == "gated_delta"
    isDelta = rule == "delta" || rule == "gated_delta"
    reader.ignore("chunk_size")
    try reader.finish()
    guard isGated || isDelta || rule == "linear" else {
      throw MaasError(
        .invalidModel, "attribute 'update_rule' has an unknown value",
        expected: "linear, gated, delta or gated_delta", found: rule)
    }
    guard keyHeads > 0, queryHeads > 0, queryHeads % keyHeads == 0 else {
      throw MaasError(
        .invalidModel, "attribute 'q_num_heads' must be a positive multiple of 'kv_num_heads'",
        found: "\(queryHeads) and \(keyHeads)")
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...6)
    for i in 0..<6 where node.has(i) {
      try node.expectDType(i, [.float, .float16, .bfloat16])
      if i != 3 { try node.expectSameDType(0, i) }
      try node.expectRank(i, i == 3 ? 4 : 3)
    }
    for (i, needed) in [(4, isGated), (5, isDelta)] where node.has(i) != needed {
      throw MaasError(
        .invalidModel, "input \(i) does not fit the update rule", expected: needed ? "an input" : "nothing")
    }
    let query = try HeadShape(
      try node.shape(0) ?? node.unknownShape(rank: 3), heads: queryHeads, "the query")
    let key = try HeadShape(try node.shape(1) ?? node.unknownShape(rank: 3), heads: keyHeads, "the key")
    let value = try HeadShape(try node.shape(2) ?? node.unknownShape(rank: 3), heads: keyHeads, "the value")
    try check(node, query, key, value)
    let batch = try unified(query.batch, key.batch, "the batch of query and key")
    node.setOutput(
      0, try node.dtype(0), [batch, query.sequence, .known(queryHeads) * value.size])
    node.setOutput(
      1, try node.dtype(node.has(3) ? 3 : 0), [batch, .known(keyHeads), key.size, value.size])
  }

  private func check(
    _ node: Inference, _ query: HeadShape, _ key: HeadShape, _ value: HeadShape
  ) throws(MaasError) {
    _ = try unified(query.size, key.size, "the sizes of the query's and the key's heads")
    for other in [key, value] {
      _ = try unified(query.batch, other.batch, "the batches of query, key and value")
      _ = try unified(query.sequence, other.sequence, "the lengths of query, key and value")
    }
    if let past = node.has(3) ? try node.shape(3) : nil {
      let expected = [query.batch, .known(keyHeads), key.size, value.size]
      for d in past.indices { _ = try unified(expected[d], past[d], "dimension \(d) of the past state") }
    }
    for i in 4..<6 where node.has(i) {
      guard let found = try node.shape(i) else { continue }
      _ = try unified(query.batch, found[0], "the batch of input \(i)")
      _ = try unified(query.sequence, found[1], "the length of input \(i)")
      let widths = [.known(keyHeads), i == 4 ? .known(keyHeads) * key.size : .known(1)]
      guard found[2].value != nil, widths.allSatisfy({ $0.value != nil }), !widths.contains(found[2]) else {
        continue
      }
      throw MaasError(
        .shapeMismatch, "the last dimension of input \(i) fits neither heads nor elements",
        expected: "\(widths[0].text) or \(widths[1].text)", found: found[2].text)
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (query, value) = (try node.input(0), try node.input(2))
    let y = try node.target(
      0, .float, [query.shape[0], query.shape[1], queryHeads * value.shape[2] / keyHeads])
    let keySize = query.shape[2] / queryHeads
    let valueSize = value.shape[2] / keyHeads
    let stateShape = [query.shape[0], keyHeads, keySize, valueSize]
    let state = try node.target(1, .float, stateShape)
    var operands: [Operand?] = []
    for i in 0..<6 { operands.append(try node.widenedOptional(i)) }
    let params = LinearAttentionParams(
      length: query.shape[1], queryHeads: queryHeads, keyHeads: keyHeads, keySize: keySize,
      valueSize: valueSize, decayWidth: node.optionalInput(4)?.shape[2] ?? 0,
      betaWidth: node.optionalInput(5)?.shape[2] ?? 0,
      scale: scale != 0 ? scale : 1 / Float(keySize).squareRoot())
    let group = queryHeads / keyHeads
    let perColumn = elementCount([params.length, keySize, 4 + 2 * group]) ?? .max / 64
    node.emit(
      { attendLinearly(Chunk($0, $1, $2, $3)) }, operands + [y, state], params,
      items: query.shape[0] * keyHeads * params.blocks,
      grain: grain(nanoseconds: perColumn / 4 * LinearAttentionParams.width))
    node.deliver(y, 0)
    node.deliver(state, 1)
  }
}

private struct LinearAttentionParams {
  /// Columns of a state that one item computes: they do not depend on one another.
  static let width = 32

  let length, queryHeads, keyHeads, keySize, valueSize: Int
  let decayWidth, betaWidth: Int
  let scale: Float

  var blocks: Int { (valueSize + LinearAttentionParams.width - 1) / LinearAttentionParams.width }
}

/// query, key, value, past state or NULL, decay or NULL, beta or NULL, y, state. Items are blocks of columns of the
/// state of each head of keys.
private func attendLinearly(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(LinearAttentionParams.self)
  for item in chunk.begin..<chunk.end {
    let block = StateBlock(chunk, params, item)
    block.start()
    for time in 0..<params.pointee.length { block.run(time) }
  }
  return StepStatus.ok
}

private typealias Floats = UnsafeMutablePointer<Float>

private struct StateBlock {
  private let chunk: Chunk
  private let p: UnsafePointer<LinearAttentionParams>
  private let batch, head, column, columns: Int

  init(_ chunk: Chunk, _ params: UnsafePointer<LinearAttentionParams>, _ item: Int) {
    self.chunk = chunk
    p = params
    let heads = item / params.pointee.blocks
    (batch, head) = (heads / params.pointee.keyHeads, heads % params.pointee.keyHeads)
    column = item % params.pointee.blocks * LinearAttentionParams.width
    columns = min(LinearAttentionParams.width, params.pointee.valueSize - column)
  }

  private var stateOffset: Int {
    (batch * p.pointee.keyHeads + head) * p.pointee.keySize * p.pointee.valueSize + column
  }

  /// Row `d` of the block of the state.
  private func row(_ d: Int) -> Floats {
    chunk.output(7, as: Float.self) + stateOffset + d * p.pointee.valueSize
  }

  /// The vector that operand `i` has for this head at a time.
  private func vector(_ i: Int, _ time: Int, heads: Int, _ head: Int, size: Int) -> Floats {
    chunk.output(i, as: Float.self) + ((batch * p.pointee.length + time) * heads + head) * size
  }

  func start() {
    let past = chunk.optional(3, as: Float.self).map { $0 + stateOffset }
    for d in 0..<p.pointee.keySize {
      for j in 0..<columns { row(d)[j] = past?[d * p.pointee.valueSize + j] ?? 0 }
    }
  }

  func run(_ time: Int) {
    let keys = vector(1, time, heads: p.pointee.keyHeads, head, size: p.pointee.keySize)
    let values = vector(2, time, heads: p.pointee.keyHeads, head, size: p.pointee.valueSize) + column
    decay(time)
    var new = InlineArray<32, Float>(repeating: 0)
    for j in 0..<columns { new[j] = values[j] }
    correct(time, keys, &new)
    for d in 0..<p.pointee.keySize {
      let (own, key) = (row(d), keys[d])
      for j in 0..<columns { own[j] += key * new[j] }
    }
    for i in 0..<p.pointee.queryHeads / p.pointee.keyHeads { read(time, i) }
  }

  /// State times e^decay; the decay is one of the head, or one of each row.
  private func decay(_ time: Int) {
    guard chunk.address(4) != nil else { return }
    let perHead = p.pointee.decayWidth / p.pointee.keyHeads
    let decays = vector(4, time, heads: p.pointee.keyHeads, head, size: perHead)
    let exponential = maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0)
    var factor: Float = 0
    for d in 0..<p.pointee.keySize {
      if d < perHead { factor = Float(maas_f64_unary(exponential, Double(decays[d]))) }
      let own = row(d)
      for j in 0..<columns { own[j] *= factor }
    }
  }

  /// The delta rule: new = beta (new - S' k).
  private func correct(_ time: Int, _ keys: Floats, _ new: inout InlineArray<32, Float>) {
    guard chunk.address(5) != nil else { return }
    let width = p.pointee.betaWidth
    let beta = vector(5, time, heads: 1, 0, size: width)[width == 1 ? 0 : head]
    for d in 0..<p.pointee.keySize {
      let (own, key) = (row(d), keys[d])
      for j in 0..<columns { new[j] -= key * own[j] }
    }
    for j in 0..<columns { new[j] *= beta }
  }

  /// The output of one head of queries.
  private func read(_ time: Int, _ i: Int) {
    let (heads, size) = (p.pointee.queryHeads, p.pointee.valueSize)
    let own = head * (heads / p.pointee.keyHeads) + i
    let query = vector(0, time, heads: heads, own, size: p.pointee.keySize)
    let y = vector(6, time, heads: heads, own, size: size) + column
    for j in 0..<columns { y[j] = 0 }
    for d in 0..<p.pointee.keySize {
      let (state, factor) = (row(d), p.pointee.scale * query[d])
      for j in 0..<columns { y[j] += factor * state[j] }
    }
  }
}
