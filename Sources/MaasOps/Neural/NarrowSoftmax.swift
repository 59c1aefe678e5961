import CMaasKernels
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits the softmax of 16-bit floats. As in ONNX's reference, exponentials and their sum are rounded to the element
  /// type; the exponents and the summation itself are those of floats.
  mutating func emitNarrowSoftmax(_ params: maas_f32_softmax_params, _ x: Operand, _ y: Operand) {
    emit(
      { narrowSoftmax(Chunk($0, $1, $2, $3)) }, [x, y], params, dtype: x.dtype,
      items: Int(params.outer * params.inner), grain: grain(nanoseconds: 20 * Int(params.axis)),
      scratch: 4 * Int(params.axis))
  }
}

/// x, y. Items are rows.
private func narrowSoftmax(_ chunk: Chunk) -> Int32 {
  let isHalf = chunk.step.pointee.dtype == DType.float16.rawValue
  for item in chunk.begin..<chunk.end {
    if isHalf { softmaxRow(chunk, item, Half.self) } else { softmaxRow(chunk, item, BFloat16.self) }
  }
  return StepStatus.ok
}

private func softmaxRow<T: NarrowFloat>(_ chunk: Chunk, _ item: Int, _ type: T.Type) {
  let params = chunk.params(maas_f32_softmax_params.self).pointee
  let (count, inner) = (Int(params.axis), Int(params.inner))
  let first = item / inner * count * inner + item % inner
  let (x, y) = (chunk.input(0, as: T.self) + first, chunk.output(1, as: T.self) + first)
  let row = chunk.worker.pointee.scratch.unsafelyUnwrapped.assumingMemoryBound(to: Float.self)
  for i in 0..<count { row[i] = x[i * inner].float }
  exponentiate(chunk, row, count)
  var sum: Float = 0
  for i in 0..<count {
    row[i] = T(truncating: Double(row[i])).float
    sum += row[i]
  }
  let divisor = T(truncating: Double(sum)).float
  for i in 0..<count { y[i * inner] = T(truncating: Double(row[i] / divisor)) }
}

/// x becomes e^(x - its maximum).
private func exponentiate(_ chunk: Chunk, _ x: UnsafeMutablePointer<Float>, _ count: Int) {
  var (maximum, sum): (Float, Float) = (-.infinity, 0)
  var params = maas_f32_online_softmax_params()
  (params.rows, params.n) = (1, Int64(count))
  let split = maas_f32_online_softmax_split(&params)
  withUnsafeMutablePointer(to: &maximum) { maximum in
    withUnsafeMutablePointer(to: &sum) { sum in
      chunk.call(
        maas_f32_online_softmax,
        [
          UnsafeMutableRawPointer(x), UnsafeMutableRawPointer(maximum), UnsafeMutableRawPointer(sum), nil,
          nil, nil, nil, nil,
        ], params, split)
    }
  }
}
