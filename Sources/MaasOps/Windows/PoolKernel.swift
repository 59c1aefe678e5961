import CMaasKernels
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits a pool of doubles. Items are elements of the output.
  mutating func emitPlainPool(_ params: maas_f32_pool_params, _ operands: [Operand?], items: Int) {
    let work = params.kernel.0 * params.kernel.1 * params.kernel.2
    emit(
      { poolOfDoubles(Chunk($0, $1, $2, $3)) }, operands, params, dtype: .double, items: items,
      grain: grain(nanoseconds: Int(clamping: 4 * work)))
  }
}

/// What one window saw.
private struct WindowResult {
  var largest = -Double.infinity
  var place = 0
  var sum = 0.0
  var count = 0
  /// Elements of the window inside the input or its padding.
  var padded = 0
}

/// x, y, int64 indices or NULL.
private func poolOfDoubles(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(maas_f32_pool_params.self)
  let y = chunk.output(1, as: Double.self)
  for item in chunk.begin..<chunk.end {
    let result = window(chunk.input(0, as: Double.self), p, item)
    if p.pointee.op == MAAS_POOL_MAX {
      y[item] = result.largest
      if chunk.address(2) != nil { chunk.output(2, as: Int64.self)[item] = Int64(result.place) }
    } else {
      let divisor = p.pointee.count_include_pad ? result.padded : result.count
      y[item] = result.count == 0 ? 0 : result.sum / Double(divisor)
    }
  }
  return StepStatus.ok
}

private func window(
  _ x: UnsafePointer<Double>, _ p: UnsafePointer<maas_f32_pool_params>, _ item: Int
) -> WindowResult {
  let out = (Int(p.pointee.output.0), Int(p.pointee.output.1), Int(p.pointee.output.2))
  let size = (Int(p.pointee.input.0), Int(p.pointee.input.1), Int(p.pointee.input.2))
  let kernel = (Int(p.pointee.kernel.0), Int(p.pointee.kernel.1), Int(p.pointee.kernel.2))
  let at = (item / out.2 / out.1 % out.0, item / out.2 % out.1, item % out.2)
  let plane = item / out.2 / out.1 / out.0
  var result = WindowResult()
  for tap in 0..<kernel.0 * kernel.1 * kernel.2 {
    let (i, j, k) = (tap / kernel.2 / kernel.1, tap / kernel.2 % kernel.1, tap % kernel.2)
    let d = at.0 * Int(p.pointee.stride.0) + i * Int(p.pointee.dilation.0) - Int(p.pointee.pad_begin.0)
    let h = at.1 * Int(p.pointee.stride.1) + j * Int(p.pointee.dilation.1) - Int(p.pointee.pad_begin.1)
    let w = at.2 * Int(p.pointee.stride.2) + k * Int(p.pointee.dilation.2) - Int(p.pointee.pad_begin.2)
    guard d < size.0 + Int(p.pointee.pad_end.0), h < size.1 + Int(p.pointee.pad_end.1),
      w < size.2 + Int(p.pointee.pad_end.2)
    else { continue }
    result.padded += 1
    guard d >= 0, d < size.0, h >= 0, h < size.1, w >= 0, w < size.2 else { continue }
    let value = x[((plane * size.0 + d) * size.1 + h) * size.2 + w]
    result.count += 1
    result.sum += value
    if value > result.largest || value.isNaN || result.count == 1 {
      result.largest = value
      let inPlane = p.pointee.column_major ? (w * size.1 + h) * size.0 + d : (d * size.1 + h) * size.2 + w
      result.place = plane * size.0 * size.1 * size.2 + inPlane
    }
  }
  return result
}
