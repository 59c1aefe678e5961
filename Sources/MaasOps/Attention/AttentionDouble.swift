import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

extension Lowering {
  /// q, k, v, mask or NULL, lengths or NULL, y, scores or NULL.
  mutating func emitDoubleAttention(_ params: AttentionParams, _ operands: [Operand?]) {
    emit(
      { attendInDouble(Chunk($0, $1, $2, $3)) }, operands, params, dtype: .double,
      items: params.batch * params.heads * params.queries,
      grain: grain(nanoseconds: elementCount([params.total, 20 + params.size + params.valueSize]) ?? .max),
      scratch: 8 * params.total)
  }
}

private typealias Doubles = UnsafeMutablePointer<Double>

/// The formula as it stands. Items are queries.
private func attendInDouble(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(AttentionParams.self)
  for item in chunk.begin..<chunk.end { DoubleQuery(chunk, params, item).run() }
  return StepStatus.ok
}

private struct DoubleQuery {
  private let chunk: Chunk
  private let p: UnsafePointer<AttentionParams>
  private let batch, head, query: Int
  private let scores: Doubles
  private let kept: Doubles?

  init(_ chunk: Chunk, _ params: UnsafePointer<AttentionParams>, _ item: Int) {
    self.chunk = chunk
    p = params
    query = item % params.pointee.queries
    head = item / params.pointee.queries % params.pointee.heads
    batch = item / params.pointee.queries / params.pointee.heads
    scores = chunk.worker.pointee.scratch.unsafelyUnwrapped.assumingMemoryBound(to: Double.self)
    kept = chunk.address(6).map { $0.assumingMemoryBound(to: Double.self) + item * params.pointee.total }
  }

  private var total: Int { p.pointee.total }

  /// Row `i` of the keys or values that belong to the head.
  private func row(_ operand: Int, _ layout: HeadLayout, _ i: Int) -> Doubles {
    chunk.output(operand, as: Double.self) + layout.offset(batch, head / p.pointee.group, i)
  }

  func run() {
    let q = chunk.output(0, as: Double.self) + p.pointee.q.offset(batch, head, query)
    for j in 0..<total {
      let k = row(1, p.pointee.k, j)
      var dot = 0.0
      for d in 0..<p.pointee.size { dot += q[d] * k[d] }
      scores[j] = dot * Double(p.pointee.scale)
    }
    keep(.product)
    if p.pointee.softcap > 0 { cap() }
    keep(.capped)
    let lengths = chunk.optional(4, as: Int64.self)
    let seen = p.pointee.bias.visible(batch, query, lengths)
    let mask = chunk.address(3).map { UnsafeRawPointer($0) }
    p.pointee.bias.add(mask, batch, head, query, seen, scores, first: 0, count: total)
    keep(.biased)
    normalise()
    keep(.probabilities)
    let y = chunk.output(5, as: Double.self) + p.pointee.y.offset(batch, head, query)
    for d in 0..<p.pointee.valueSize { y[d] = 0 }
    for j in 0..<total where scores[j] != 0 {
      let v = row(2, p.pointee.v, j)
      for d in 0..<p.pointee.valueSize { y[d] += scores[j] * v[d] }
    }
  }

  private func keep(_ stage: Attention.ScoreStage) {
    guard stage == p.pointee.stage, let kept else { return }
    for j in 0..<total { kept[j] = scores[j] }
  }

  private func cap() {
    let limit = p.pointee.softcap
    let tanh = maas_f32_activation(op: MAAS_UNARY_TANH, alpha: 0, beta: 0)
    for j in 0..<total { scores[j] = Double(limit) * maas_f64_unary(tanh, scores[j] / Double(limit)) }
  }

  /// The softmax of the scores; 0 for a row that sees nothing.
  private func normalise() {
    let exp = maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0)
    var (most, sum) = (-Double.infinity, 0.0)
    for j in 0..<total { most = Double.greatest(most, scores[j]) }
    for j in 0..<total {
      scores[j] = most == -.infinity ? 0 : maas_f64_unary(exp, scores[j] - most)
      sum += scores[j]
    }
    for j in 0..<total where sum != 0 { scores[j] /= sum }
  }
}
