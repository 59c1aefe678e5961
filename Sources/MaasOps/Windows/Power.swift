import CMaasKernels
import MaasCore
import MaasGraph

extension AttributeReader {
  /// p of LpPool and GlobalLpPool: a float in opset 1.
  mutating func normExponent() throws(MaasError) -> Double {
    let p = opset < 2 ? Double(try float("p") ?? 2) : Double(try int("p") ?? 2)
    if p > 0, p.isFinite { return p }
    throw MaasError(.invalidModel, "attribute 'p' is not positive", found: "\(p)")
  }
}

extension Lowering {
  /// |x| ^ exponent in a temporary; x itself where there is no exponent.
  mutating func powered(_ x: Operand, _ exponent: Double?) throws(MaasError) -> Operand {
    guard let exponent else { return x }
    let powers = try temporary(x.dtype, x.shape)
    emitPower(x, exponent, powers)
    return powers
  }

  /// Emits y = |x| ^ exponent, in place if they are the same, for float and double.
  mutating func emitPower(_ x: Operand, _ exponent: Double, _ y: Operand) {
    let exact: [(exponent: Double, op: maas_unary)] = [
      (0.5, MAAS_UNARY_SQRT), (1, MAAS_UNARY_ABS), (2, MAAS_UNARY_SQUARE),
    ]
    if let row = exact.first(where: { $0.exponent == exponent }) {
      return emitUnary(maas_f32_activation(op: row.op, alpha: 0, beta: 0), x, y)
    }
    emit(
      { dispatch(PowerKernel.self, Chunk($0, $1, $2, $3)) }, [x, y], exponent, dtype: x.dtype,
      items: x.count, grain: grain(nanoseconds: 30))
  }
}

/// x, y; the parameter is the exponent.
private enum PowerKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let exponent = chunk.params(Double.self).pointee
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: T.self))
    for i in chunk.begin..<chunk.end {
      y[i] = T(maas_f64_pow(Double(x[i].magnitude), exponent))
    }
    return StepStatus.ok
  }
}
