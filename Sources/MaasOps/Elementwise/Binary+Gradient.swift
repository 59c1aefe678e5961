import CMaasKernels
import MaasCore
import MaasGraph

extension Binary {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard isPlain, let kernel = row.kernel else {
      throw MaasError(.unsupported, "the operator has no gradient")
    }
    let dy = try node.gradient()
    for i in 0..<2 where node.wants(i) {
      try node.contributeBroadcast(try part(i, kernel, &node, dy), to: i)
    }
  }

  /// The gradient of operand `i` as if nothing had been broadcast.
  private func part(
    _ i: Int, _ kernel: maas_binary, _ node: inout Backward, _ dy: ValueID
  ) throws(MaasError) -> ValueID {
    switch kernel {
    case MAAS_BINARY_ADD: return dy
    case MAAS_BINARY_SUB: return i == 0 ? dy : node.negated(dy)
    case MAAS_BINARY_MUL: return node.product(dy, try node.input(1 - i))
    case MAAS_BINARY_DIV:
      // d(a/b) = da/b - (a/b) db/b
      let quotient = node.quotient(dy, try node.input(1))
      return i == 0 ? quotient : node.negated(node.product(quotient, try node.output()))
    case MAAS_BINARY_PRELU:
      return node.add(
        BinaryGradient(i == 0 ? .slopedInput : .slope), [dy, try node.input(0), try node.input(1)])
    default: throw MaasError(.unsupported, "the operator has no gradient")
    }
  }
}

extension Pow {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard alignment.isNumPys else { throw MaasError(.unsupported, "the operator has no gradient") }
    let dy = try node.gradient()
    for i in 0..<2 where node.wants(i) {
      let part = BinaryGradient(i == 0 ? .base : .exponent)
      try node.contributeBroadcast(node.add(part, [dy, try node.input(0), try node.input(1)]), to: i)
    }
  }
}

/// The gradient of one operand of Pow or PRelu before it is added up over what was broadcast. Inputs: dy and both
/// operands; the second one may have an element type of its own.
final class BinaryGradient: Operator {
  enum Part {
    /// dy b a^(b - 1)
    case base
    /// dy a^b ln a
    case exponent
    /// a > 0 ? dy : dy b
    case slopedInput
    /// a > 0 ? 0 : dy a
    case slope
  }

  let name = "BinaryGradient"
  private let part: Part

  init(_ part: Part) { self.part = part }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(part == .exponent ? 2 : 0), try node.shape(0))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, a, b, dx) = (try node.input(0), try node.input(1), try node.input(2), try node.output())
    let wide = dy.dtype.wide
    let operands = (
      try node.converted(dy, wide), try node.converted(a, wide), try node.converted(constant: b, wide)
    )
    let target = try node.target(dx, wide)
    if part == .base, operands.2.isScalar(2) {
      try node.emitBinary(.mul, operands.0, operands.1, target)
      node.emitUnary(maas_f32_activation(op: MAAS_UNARY_AFFINE, alpha: 2, beta: 0), target, target)
    } else {
      let walk = try Walk(broadcasting: [a.shape, b.shape], to: dy.shape)
      node.emit(
        { dispatch(BinaryGradientKernel.self, Chunk($0, $1, $2, $3)) },
        [operands.0, operands.1, operands.2, target],
        BinaryGradientParams(part: part, walk: WalkParams(walk)),
        dtype: wide, items: dy.count, grain: grain(nanoseconds: part == .slope ? 2 : 30))
    }
    node.narrow(target, into: dx)
  }
}

extension Operand {
  /// Whether it is the constant of one element `value`.
  fileprivate func isScalar(_ value: Double) -> Bool {
    guard count == 1, let constant, let number = try? cast(constant, to: .double) else { return false }
    return number.elements(as: Double.self).first == value
  }
}

private struct BinaryGradientParams {
  let part: BinaryGradient.Part
  let walk: WalkParams
}

/// dy, a, b, dx.
private enum BinaryGradientKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(BinaryGradientParams.self)
    let (dy, a, b) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.input(2, as: T.self))
    let dx = chunk.output(3, as: T.self)
    let (part, steps) = (params.pointee.part, params.pointee.walk.rowStrides)
    params.pointee.walk.forEachRow(chunk.begin, chunk.end) { at, aAt, bAt, _, count in
      for i in 0..<count {
        dx[at + i] = dy[at + i] * slope(part, a[aAt + i * steps.a], b[bAt + i * steps.b])
      }
    }
    return StepStatus.ok
  }

  @inline(__always)
  private static func slope<T: Number & BinaryFloatingPoint>(
    _ part: BinaryGradient.Part, _ a: T, _ b: T
  ) -> T {
    switch part {
    case .base: return b == 0 ? 0 : b * T.power(a, b - 1)
    case .exponent:
      if a == 0, b >= 0 { return 0 }
      let log = maas_f32_activation(op: MAAS_UNARY_LOG, alpha: 0, beta: 0)
      return T.power(a, b) * T(maas_f64_unary(log, Double(a)))
    case .slopedInput: return a > 0 ? 1 : b
    case .slope: return a > 0 ? 0 : a
    }
  }
}
