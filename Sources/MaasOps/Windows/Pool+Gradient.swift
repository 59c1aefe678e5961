import CMaasKernels
import MaasCore
import MaasGraph

extension Pool {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [try node.gradient(), try node.input(0), try node.output()]
    try node.contribute(node.add(PoolGradient(self), inputs), to: 0)
  }
}

/// The gradient of MaxPool and its like. Inputs: dy, x and y.
final class PoolGradient: Operator {
  let name = "PoolGradient"
  private let pool: Pool

  init(_ pool: Pool) { self.pool = pool }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(1), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y, dx) = (try node.input(1), try node.input(2), try node.output())
    guard dx.count > 0 else { return }
    let wide = x.dtype.wide
    let target = try node.target(dx, wide)
    var dy = try node.converted(try node.input(0), wide)
    var sides: [Operand?] = [nil, nil]
    if pool.exponent != nil || pool.isMax {
      sides = [try node.converted(x, wide), try node.converted(y, wide)]
    }
    if let exponent = pool.exponent, let y = sides[1] { dy = try emitPowers(&node, dy, y, exponent) }
    let params = try pool.params(x.shape, y.shape)
    node.emitPoolGradient(params, pool.isMax ? sides : [nil, nil], dy, target)
    if let exponent = pool.exponent, let x = sides[0] {
      node.emitPowerProduct(.inner, x, target, exponent, target)
    }
    node.narrow(target, into: dx)
  }

  /// dy y^(1 - p)
  private func emitPowers(
    _ node: inout Lowering, _ dy: Operand, _ y: Operand, _ exponent: Double
  ) throws(MaasError) -> Operand {
    let result = try node.temporary(dy.dtype, dy.shape)
    node.emitPowerProduct(.outer, y, dy, exponent, result)
    return result
  }
}

extension Pool {
  fileprivate var isMax: Bool { row.op == MAAS_POOL_MAX }
}

/// The two factors of the slope of an Lp norm: y^(1 - p), and |x|^(p - 1) with the sign of x.
private enum PowerFactor { case outer, inner }

private struct PowerProductParams {
  let factor: PowerFactor
  let exponent: Double
}

extension Lowering {
  fileprivate mutating func emitPowerProduct(
    _ factor: PowerFactor, _ base: Operand, _ by: Operand, _ exponent: Double, _ result: Operand
  ) {
    emit(
      { dispatch(PowerProductKernel.self, Chunk($0, $1, $2, $3)) }, [base, by, result],
      PowerProductParams(factor: factor, exponent: exponent), dtype: base.dtype, items: base.count,
      grain: grain(nanoseconds: 30))
  }

  /// For floats or doubles; x and y only of a maximum.
  fileprivate mutating func emitPoolGradient(
    _ params: maas_f32_pool_params, _ sides: [Operand?], _ dy: Operand, _ dx: Operand
  ) {
    let operands = sides + [dy, dx]
    if dx.dtype == .float {
      let split = withUnsafePointer(to: params) { maas_f32_pool_slope_split($0) }
      return emit(maas_f32_pool_slope, operands, params, split)
    }
    emit(
      { poolGradientOfDoubles(Chunk($0, $1, $2, $3)) }, operands, params, dtype: .double,
      items: Int(params.planes),
      grain: grain(nanoseconds: 10 * dx.count / max(1, Int(params.planes))))
  }
}

/// The base, the factor, the result, which may be the factor.
private enum PowerProductKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(PowerProductParams.self).pointee
    let (base, by, result) = (
      chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.output(2, as: T.self)
    )
    let exponent = params.factor == .outer ? 1 - params.exponent : params.exponent - 1
    for i in chunk.begin..<chunk.end {
      let isFlat = base[i] == 0 && params.exponent != 1
      let power = isFlat ? 0 : T(maas_f64_pow(Double(base[i].magnitude), exponent))
      let sign: T = params.factor == .outer || base[i] > 0 ? 1 : base[i] < 0 ? -1 : 0
      result[i] = by[i] * power * sign
    }
    return StepStatus.ok
  }
}

/// x and y of a maximum or NULL, dy, dx. Items are planes.
private func poolGradientOfDoubles(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(maas_f32_pool_params.self)
  let (input, output) = (p.pointee.input, p.pointee.output)
  let (inputs, outputs) = (Int(input.0 * input.1 * input.2), Int(output.0 * output.1 * output.2))
  for plane in chunk.begin..<chunk.end {
    let dx = chunk.output(3, as: Double.self) + plane * inputs
    for i in 0..<inputs { dx[i] = 0 }
    for at in plane * outputs..<(plane + 1) * outputs {
      let taps = poolTaps(p, at)
      pass(chunk, p, at, taps, plane * inputs, dx)
    }
  }
  return StepStatus.ok
}

/// Passes dy of the output element `at` to the first of the largest elements of its window, or to all.
private func pass(
  _ chunk: Chunk, _ p: UnsafePointer<maas_f32_pool_params>, _ at: Int,
  _ taps: (z: PoolTaps, y: PoolTaps, x: PoolTaps),
  _ offset: Int, _ dx: UnsafeMutablePointer<Double>
) {
  let dy = chunk.input(2, as: Double.self)[at]
  let isMax = p.pointee.op == MAAS_POOL_MAX
  let inside = taps.z.inside.count * taps.y.inside.count * taps.x.inside.count
  let padded = taps.z.padded * taps.y.padded * taps.x.padded
  let count = p.pointee.count_include_pad ? padded : inside
  let share = p.pointee.op == MAAS_POOL_AVERAGE ? dy / Double(max(1, count)) : dy
  var place = -1
  for i in taps.z.inside {
    for j in taps.y.inside {
      for k in taps.x.inside {
        let row = taps.z.index(i) * Int(p.pointee.input.1) + taps.y.index(j)
        let index = row * Int(p.pointee.input.2) + taps.x.index(k)
        if !isMax {
          dx[index] += share
        } else if place < 0 || !isLargest(chunk, at, offset + place) {
          place = index
        }
      }
    }
  }
  if place >= 0 { dx[place] += dy }
}

private func isLargest(_ chunk: Chunk, _ at: Int, _ place: Int) -> Bool {
  chunk.input(0, as: Double.self)[place] == chunk.input(1, as: Double.self)[at]
}
