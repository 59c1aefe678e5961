import CMaasKernels
import CMaasSystem

/// The steps of GRU and RNN, after ONNX's equations.
extension SequenceItem {
  private var units: Int { params.pointee.units }
  private var width: Int { params.pointee.hidden }
  /// Elements between rows of gates.
  private var stride: Int { params.pointee.gates.row }

  /// function(x) for every row of a gate, x clipped before, in place.
  private func activate(_ function: maas_f32_activation, gate i: Int) {
    let clip = params.pointee.clip
    for r in 0..<rows {
      let x = gate(i) + r * stride
      if clip > 0 {
        chunk.apply(maas_f32_activation(op: MAAS_UNARY_CLIP, alpha: -clip, beta: clip), x, x, count: units)
      }
      chunk.apply(function, x, x, count: units)
    }
  }

  /// Copies row `r` of the hidden values to Y: 0 where the sequence has ended.
  private func store(_ r: Int) {
    guard let y else { return }
    if isLive(r) {
      maas_sys_copy(y + r * width, after + r * width + unit, units * 4)
    } else {
      maas_sys_zero(y + r * width, units * 4)
    }
  }

  /// Ht = f(Xt Wi' + Ht-1 Ri' + biases)
  func stepRNN() {
    multiply(before, gate: 0, nil, gate(0), params.pointee.product(isLast), adding: true)
    activate(params.pointee.cell(direction).f, gate: 0)
    for r in 0..<rows {
      if isLive(r) {
        maas_sys_copy(after + r * width + unit, gate(0) + r * stride, units * 4)
      } else {
        keep(r)
      }
      store(r)
    }
  }

  /// Ht = (1 - zt) ht + zt Ht-1 with the candidate ht = g(Xt Wh' + (rt Ht-1) Rh' + biases), or, linear before reset,
  /// g(Xt Wh' + Wbh + rt (Ht-1 Rh' + Rbh)).
  func stepGRU() {
    let candidate = params.pointee.candidate(isLast)
    if phase == 1 {
      multiply(between, gate: 2, nil, gate(2), candidate, adding: true)
      return finishGRU()
    }
    multiply(before, gate: 0, nil, gate(0), params.pointee.product(isLast), adding: true)
    for i in 0..<2 { activate(params.pointee.cell(direction).f, gate: i) }
    guard params.pointee.linearBeforeReset else {
      return forEachReset { reset, _, between, own in between = reset * own }
    }
    let bias = chunk.optional(2, as: Float.self).map { $0 + (direction * 6 + 5) * width + unit }
    multiply(before, gate: 2, bias, between + unit, candidate, adding: false)
    forEachReset { reset, candidate, between, _ in candidate += reset * between }
    finishGRU()
  }

  private func finishGRU() {
    activate(params.pointee.cell(direction).g, gate: 2)
    for r in 0..<rows {
      let (update, candidate) = (gate(0) + r * stride, gate(2) + r * stride)
      let (old, new) = (before + r * width + unit, after + r * width + unit)
      if isLive(r) {
        for j in 0..<units { new[j] = (1 - update[j]) * candidate[j] + update[j] * old[j] }
      } else {
        keep(r)
      }
      store(r)
    }
  }

  /// Element by element: reset gate, candidate gate, the memory between, hidden.
  @inline(__always)
  private func forEachReset(_ body: (Float, inout Float, inout Float, Float) -> Void) {
    for r in 0..<rows {
      let (reset, candidate) = (gate(1) + r * stride, gate(2) + r * stride)
      let (memory, own) = (between + r * width + unit, before + r * width + unit)
      for j in 0..<units { body(reset[j], &candidate[j], &memory[j], own[j]) }
    }
  }
}
