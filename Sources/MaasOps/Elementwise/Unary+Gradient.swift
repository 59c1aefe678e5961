import CMaasKernels
import MaasCore
import MaasGraph

extension Unary {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let dy = try node.gradient()
    switch row.op {
    // These are flat wherever they have a slope.
    case MAAS_UNARY_SIGN, MAAS_UNARY_FLOOR, MAAS_UNARY_CEIL, MAAS_UNARY_ROUND: return
    case MAAS_UNARY_NEG: try node.contribute(node.negated(dy), to: 0)
    case MAAS_UNARY_AFFINE: try node.contribute(node.add(Unary(.affine, alpha: function.alpha), [dy]), to: 0)
    default: try node.contributeSlope(function, dy)
    }
  }
}

extension Clip {
  /// 0 outside the bounds and on them.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let dy = try node.gradient()
    guard !node.wants(1), !node.wants(2) else {
      throw MaasError(.unsupported, "the bounds have no gradient")
    }
    if let bounds {
      return try node.contributeSlope(Activation.clip(bounds.low, bounds.high).function, dy)
    }
    let inputs = [dy, try node.output(), node.optionalInput(1), node.optionalInput(2)]
    try node.contribute(node.add(ClipGradient(), inputs), to: 0)
  }
}

extension Backward {
  /// The gradient of y = function(x): out of y where that tells the slope, so that the product that makes x may have
  /// the function built in, else out of x.
  fileprivate mutating func contributeSlope(_ function: maas_f32_activation, _ dy: ValueID) throws(MaasError)
  {
    let known = maas_slope_takes_result(function) ? try output() : try input(0)
    try contribute(add(UnaryGradient(function), [dy, known]), to: 0)
  }
}

/// dx = min < y < max ? dy : 0; inputs dy, y, min and max, which may be left out.
final class ClipGradient: Operator {
  let name = "ClipGradient"

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    for i in 0..<2 { try node.mayReuseElementwise(i) }
    let (dy, y, dx) = (try node.input(0), try node.input(1), try node.output())
    node.emit(
      { dispatch(ClipGradientKernel.self, Chunk($0, $1, $2, $3)) },
      [dy, y, node.optionalInput(2), node.optionalInput(3), dx], UInt8(0), dtype: y.dtype, items: y.count,
      grain: grain(nanoseconds: 1))
  }
}

/// dy, y, min or NULL, max or NULL, dx.
private enum ClipGradientKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let (dy, y, dx) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.output(4, as: T.self))
    let low = chunk.optional(2, as: T.self)?.pointee ?? .lowest
    let high = chunk.optional(3, as: T.self)?.pointee ?? .highest
    for i in chunk.begin..<chunk.end { dx[i] = y[i] > low && y[i] < high ? dy[i] : .zero }
    return StepStatus.ok
  }
}
