import CMaasKernels
import CMaasSystem

/// The point-wise part of a time step of GRU and RNN, after ONNX's equations.
extension SequenceWalk {
  private var width: Int { params.pointee.hidden }

  /// function(x), x clipped before, in place.
  private func activate(_ function: maas_f32_activation, _ x: UnsafeMutablePointer<Float>, count: Int) {
    let clip = params.pointee.clip
    if clip > 0 {
      chunk.apply(maas_f32_activation(op: MAAS_UNARY_CLIP, alpha: -clip, beta: clip), x, x, count: count)
    }
    chunk.apply(function, x, x, count: count)
  }

  /// Copies row `r` of the hidden values to Y: 0 where the sequence has ended.
  private func store(_ r: Int, _ time: Int) {
    guard let y = y(time) else { return }
    if isLive(r, time) {
      maas_sys_copy(y + r * width, hidden + r * width, width * 4)
    } else {
      maas_sys_zero(y + r * width, width * 4)
    }
  }

  /// Ht = f(Xt Wi' + Ht-1 Ri' + biases)
  func finishRNN(_ gates: UnsafeMutablePointer<Float>, _ time: Int) {
    activate(params.pointee.cell(direction).f, gates, count: rows * width)
    for r in 0..<rows {
      if isLive(r, time) { maas_sys_copy(hidden + r * width, gates + r * width, width * 4) }
      store(r, time)
    }
  }

  /// Ht = (1 - zt) ht + zt Ht-1 with the candidate ht = g(Xt Wh' + (rt Ht-1) Rh' + biases), or, linear before reset,
  /// g(Xt Wh' + Wbh + rt (Ht-1 Rh' + Rbh)).
  func finishGRU(_ gates: UnsafeMutablePointer<Float>, _ time: Int) {
    let functions = params.pointee.cell(direction)
    for r in 0..<rows { activate(functions.f, gates + r * 3 * width, count: 2 * width) }
    addToCandidate(gates)
    for r in 0..<rows {
      let (update, candidate) = (gates + r * 3 * width, gates + (r * 3 + 2) * width)
      activate(functions.g, candidate, count: width)
      let own = hidden + r * width
      if isLive(r, time) {
        for j in 0..<width { own[j] = (1 - update[j]) * candidate[j] + update[j] * own[j] }
      }
      store(r, time)
    }
  }

  private func addToCandidate(_ gates: UnsafeMutablePointer<Float>) {
    let product = params.pointee.candidate(isLast)
    guard params.pointee.linearBeforeReset else {
      forEachReset(gates) { reset, _, between, own in between = reset * own }
      return multiply(between, gate: 2, nil, gates + 2 * width, product, adding: true)
    }
    let bias = chunk.optional(2, as: Float.self).map { $0 + (direction * 6 + 5) * width }
    multiply(hidden, gate: 2, bias, between, product, adding: false)
    forEachReset(gates) { reset, candidate, between, _ in candidate += reset * between }
  }

  /// Element by element: reset gate, candidate gate, the memory between, hidden.
  @inline(__always)
  private func forEachReset(
    _ gates: UnsafeMutablePointer<Float>, _ body: (Float, inout Float, inout Float, Float) -> Void
  ) {
    for r in 0..<rows {
      let (reset, candidate) = (gates + (r * 3 + 1) * width, gates + (r * 3 + 2) * width)
      let (memory, own) = (between + r * width, hidden + r * width)
      for j in 0..<width { body(reset[j], &candidate[j], &memory[j], own[j]) }
    }
  }
}
