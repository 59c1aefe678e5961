import CMaasKernels
import MaasCore
import MaasGraph

extension Softmax {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let op = SoftmaxGradient(isLog: row.isLog, axis)
    try node.contribute(node.add(op, [try node.gradient(), try node.output()]), to: 0)
  }
}

/// dx = y (dy - sum of dy y) along an axis; of LogSoftmax dy - e^y times the sum of dy. Inputs: dy and y.
final class SoftmaxGradient: Operator {
  let name = "SoftmaxGradient"
  private let isLog: Bool
  private let axis: SoftmaxAxis

  init(isLog: Bool, _ axis: SoftmaxAxis) { (self.isLog, self.axis) = (isLog, axis) }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    for i in 0..<2 { try node.mayReuseElementwise(i) }
    let (dy, y, dx) = (try node.input(0), try node.input(1), try node.output())
    let shape = try axis.collapsed(y.shape)
    var params = maas_f32_softmax_params()
    params.log = isLog
    (params.outer, params.axis, params.inner) = (Int64(shape.outer), Int64(shape.axis), Int64(shape.inner))
    let wide = y.dtype.wide
    let target = try node.target(dx, wide)
    node.emitSoftmaxGradient(params, try node.converted(dy, wide), try node.converted(y, wide), target)
    node.narrow(target, into: dx)
  }
}

extension Lowering {
  /// For floats or doubles; dx may be dy or y.
  mutating func emitSoftmaxGradient(
    _ params: maas_f32_softmax_params, _ dy: Operand, _ y: Operand, _ dx: Operand
  ) {
    if y.dtype == .float {
      let split = withUnsafePointer(to: params) { maas_f32_softmax_slope_split($0) }
      return emit(maas_f32_softmax_slope, [dy, y, dx], params, split)
    }
    emit(
      { softmaxGradientOfDoubles(Chunk($0, $1, $2, $3)) }, [dy, y, dx], params, dtype: .double,
      items: Int(params.outer * params.inner), grain: grain(nanoseconds: 10 * Int(params.axis)))
  }
}

/// dy, y, dx. Items are rows.
private func softmaxGradientOfDoubles(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(maas_f32_softmax_params.self).pointee
  let (count, inner) = (Int(params.axis), Int(params.inner))
  let exp = maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0)
  for item in chunk.begin..<chunk.end {
    let first = item / inner * count * inner + item % inner
    let (dy, y) = (chunk.input(0, as: Double.self) + first, chunk.input(1, as: Double.self) + first)
    let dx = chunk.output(2, as: Double.self) + first
    var sum = 0.0
    for i in 0..<count { sum += params.log ? dy[i * inner] : dy[i * inner] * y[i * inner] }
    for i in 0..<count {
      let (own, value) = (dy[i * inner], y[i * inner])
      dx[i * inner] = params.log ? own - maas_f64_unary(exp, value) * sum : value * (own - sum)
    }
  }
  return StepStatus.ok
}
