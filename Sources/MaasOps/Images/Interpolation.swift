import MaasCore
import MaasGraph

extension Lowering {
  /// Emits y as weighted sums of x's elements along `axis`: those named by `places`, `taps` for each element of y.
  /// With `bounds`, sums are rounded to even and held within.
  mutating func emitInterpolation(
    _ x: Operand, _ y: Operand, axis: Int, _ table: (taps: Int, places: [Int64], weights: [Double]),
    bounds: (Double, Double)?
  ) throws(MaasError) {
    let shape = [table.places.count / table.taps, table.taps]
    let weights = try Tensor(.double, shape, table.weights)
    let params = InterpolationParams(
      input: x.shape[axis], output: y.shape[axis], inner: x.shape[(axis + 1)...].reduce(1, *),
      taps: table.taps, rounds: bounds != nil, lowest: bounds?.0 ?? 0, highest: bounds?.1 ?? 0)
    let operands: [Operand?] = [
      x, try constant(try Tensor(.int64, shape, table.places)), try constant(try cast(weights, to: x.dtype)),
      y,
    ]
    emit(
      { dispatch(InterpolationKernel.self, Chunk($0, $1, $2, $3)) }, operands, params, dtype: x.dtype,
      items: y.count / params.inner, grain: grain(nanoseconds: 2 + table.taps * (params.inner / 4 + 1)))
  }
}

private struct InterpolationParams {
  let input, output, inner, taps: Int
  let rounds: Bool
  let lowest, highest: Double
}

/// x [outer, input, inner], places and weights [output, taps], y [outer, output, inner]. Items are rows of y.
private enum InterpolationKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(InterpolationParams.self).pointee
    let (places, weights) = (chunk.input(1, as: Int64.self), chunk.input(2, as: T.self))
    if p.inner == 1, p.taps == 2, !p.rounds { return lines(chunk, p, T.self) }
    var position = chunk.begin % p.output
    var plane = chunk.input(0, as: T.self) + chunk.begin / p.output * p.input * p.inner
    for item in chunk.begin..<chunk.end {
      let y = chunk.output(3, as: T.self) + item * p.inner
      let first = position * p.taps
      if p.inner == 1 {
        y[0] = sum(plane, places + first, weights + first, p.taps)
      } else {
        row(plane, places + first, weights + first, y, p)
      }
      if p.rounds { round(y, p) }
      position += 1
      if position == p.output { (position, plane) = (0, plane + p.input * p.inner) }
    }
    return StepStatus.ok
  }

  /// Along the last dimension, between two neighbours each.
  private static func lines<T: BinaryFloatingPoint>(
    _ chunk: Chunk, _ p: InterpolationParams, _ type: T.Type
  ) -> Int32 {
    var item = chunk.begin
    while item < chunk.end {
      let (line, first) = (item / p.output, item % p.output)
      let count = min(p.output - first, chunk.end - item)
      let (x, y) = (chunk.input(0, as: T.self) + line * p.input, chunk.output(3, as: T.self) + item)
      let (places, weights) = (
        chunk.input(1, as: Int64.self) + 2 * first, chunk.input(2, as: T.self) + 2 * first
      )
      for i in 0..<count {
        let (a, b) = (x[Int(places[2 &* i])], x[Int(places[2 &* i &+ 1])])
        y[i] = weights[2 &* i] * a + weights[2 &* i &+ 1] * b
      }
      item += count
    }
    return StepStatus.ok
  }

  @inline(__always)
  private static func sum<T: BinaryFloatingPoint>(
    _ x: UnsafePointer<T>, _ places: UnsafePointer<Int64>, _ weights: UnsafePointer<T>, _ taps: Int
  ) -> T {
    if taps == 2 { return weights[0] * x[Int(places[0])] + weights[1] * x[Int(places[1])] }
    var sum: T = 0
    for t in 0..<taps { sum += weights[t] * x[Int(places[t])] }
    return sum
  }

  /// Two rows of x at a time.
  @inline(__always)
  private static func row<T: BinaryFloatingPoint>(
    _ x: UnsafePointer<T>, _ places: UnsafePointer<Int64>, _ weights: UnsafePointer<T>,
    _ y: UnsafeMutablePointer<T>, _ p: InterpolationParams
  ) {
    for t in stride(from: 0, to: p.taps, by: 2) {
      let (a, b) = (x + Int(places[t]) * p.inner, x + Int(places[t + 1]) * p.inner)
      let (u, v) = (weights[t], weights[t + 1])
      if t == 0 {
        for i in 0..<p.inner { y[i] = u * a[i] + v * b[i] }
      } else {
        for i in 0..<p.inner { y[i] += u * a[i] + v * b[i] }
      }
    }
  }

  private static func round<T: Number & BinaryFloatingPoint>(
    _ y: UnsafeMutablePointer<T>, _ p: InterpolationParams
  ) {
    for i in 0..<p.inner {
      y[i] = max(T(truncating: p.lowest), min(T(truncating: p.highest), y[i].rounded(.toNearestOrEven)))
    }
  }
}
