import CMaasKernels
import MaasCore
import MaasGraph

/// dx = dy f'(x) for a function of the family Unary. Inputs: dy, and y or x, as `maas_slope_takes_result` says.
final class UnaryGradient: Operator {
  let name = "UnaryGradient"
  private let function: maas_f32_activation

  init(_ function: maas_f32_activation) { self.function = function }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    for i in 0..<2 { try node.mayReuseElementwise(i) }
    let (dy, known, dx) = (try node.input(0), try node.input(1), try node.output())
    let params = maas_f32_unary_params(function: function, n: Int64(known.count))
    if known.dtype == .float {
      let split = withUnsafePointer(to: params) { maas_f32_slope_split($0) }
      return node.emit(maas_f32_slope, [dy, known, dx], params, split)
    }
    node.emit(
      { dispatch(SlopeKernel.self, Chunk($0, $1, $2, $3)) }, [dy, known, dx], params, dtype: known.dtype,
      items: known.count, grain: grain(nanoseconds: 20))
  }
}

/// dy, y or x, dx.
private enum SlopeKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let function = chunk.params(maas_f32_unary_params.self).pointee.function
    let (dy, known, dx) = (
      chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.output(2, as: T.self)
    )
    for i in chunk.begin..<chunk.end {
      dx[i] = T(truncating: dy[i].double * maas_f64_slope(function, known[i].double))
    }
    return StepStatus.ok
  }
}
