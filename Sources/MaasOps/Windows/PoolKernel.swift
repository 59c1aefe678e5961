import CMaasKernels
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits a pool of doubles. Items are elements of the output.
  mutating func emitPlainPool(_ params: maas_f32_pool_params, _ operands: [Operand?], items: Int) {
    let work = elementCount([params.kernel.0, params.kernel.1, params.kernel.2].map { Int($0) }) ?? 1 << 40
    emit(
      { poolOfDoubles(Chunk($0, $1, $2, $3)) }, operands, params, dtype: .double, items: items,
      grain: grain(nanoseconds: 4 * work))
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

  mutating func see(_ plane: UnsafePointer<Double>, _ p: maas_f32_pool_params, _ at: (z: Int, y: Int, x: Int))
  {
    let (depth, height, width) = (Int(p.input.0), Int(p.input.1), Int(p.input.2))
    let index = (at.z * height + at.y) * width + at.x
    let value = plane[index]
    count += 1
    sum += value
    guard value > largest || value.isNaN || count == 1 else { return }
    largest = value
    place = p.column_major ? (at.x * height + at.y) * depth + at.z : index
  }
}

/// x, y, int64 indices or NULL.
private func poolOfDoubles(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(maas_f32_pool_params.self)
  let y = chunk.output(1, as: Double.self)
  for item in chunk.begin..<chunk.end {
    let result = window(chunk.input(0, as: Double.self), p, item)
    switch p.pointee.op {
    case MAAS_POOL_MAX:
      y[item] = result.largest
      if chunk.address(2) != nil { chunk.output(2, as: Int64.self)[item] = Int64(result.place) }
    case MAAS_POOL_SUM: y[item] = result.sum
    default:
      let divisor = p.pointee.count_include_pad ? result.padded : result.count
      y[item] = result.count == 0 ? 0 : result.sum / Double(divisor)
    }
  }
  return StepStatus.ok
}

/// The taps of a window along one dimension.
struct PoolTaps {
  private let start, dilation: Int
  /// Those inside the input.
  let inside: Range<Int>
  /// How many are inside the input or its padding.
  let padded: Int

  /// `sizes` are input, kernel, stride, dilation and the padding before and behind.
  init(at position: Int, _ sizes: (Int64, Int64, Int64, Int64, Int64, Int64)) {
    let (input, kernel, stride) = (Int(sizes.0), Int(sizes.1), Int(sizes.2))
    let (start, dilation) = (position * stride - Int(sizes.4), Int(sizes.3))
    func countBelow(_ limit: Int) -> Int { max(0, min(kernel, (limit - start + dilation - 1) / dilation)) }
    let low = countBelow(0)
    inside = low..<max(low, countBelow(input))
    padded = countBelow(input + Int(sizes.5))
    (self.start, self.dilation) = (start, dilation)
  }

  func index(_ tap: Int) -> Int { start + tap * dilation }
}

/// The taps of the window of an output element.
func poolTaps(
  _ params: UnsafePointer<maas_f32_pool_params>, _ item: Int
) -> (z: PoolTaps, y: PoolTaps, x: PoolTaps) {
  let p = params.pointee
  let (depth, height, width) = (Int(p.output.0), Int(p.output.1), Int(p.output.2))
  return (
    PoolTaps(
      at: item / width / height % depth,
      (p.input.0, p.kernel.0, p.stride.0, p.dilation.0, p.pad_begin.0, p.pad_end.0)),
    PoolTaps(
      at: item / width % height,
      (p.input.1, p.kernel.1, p.stride.1, p.dilation.1, p.pad_begin.1, p.pad_end.1)),
    PoolTaps(
      at: item % width, (p.input.2, p.kernel.2, p.stride.2, p.dilation.2, p.pad_begin.2, p.pad_end.2))
  )
}

private func window(
  _ x: UnsafePointer<Double>, _ params: UnsafePointer<maas_f32_pool_params>, _ item: Int
) -> WindowResult {
  let p = params.pointee
  let plane = item / Int(p.output.0 * p.output.1 * p.output.2)
  let offset = plane * Int(p.input.0 * p.input.1 * p.input.2)
  let taps = poolTaps(params, item)
  var result = WindowResult()
  for i in taps.z.inside {
    for j in taps.y.inside {
      for k in taps.x.inside {
        result.see(x + offset, p, (taps.z.index(i), taps.y.index(j), taps.x.index(k)))
      }
    }
  }
  result.padded = taps.z.padded * taps.y.padded * taps.x.padded
  result.place += offset
  return result
}
