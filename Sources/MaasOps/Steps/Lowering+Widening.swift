import MaasCore
import MaasGraph

/// Operators whose kernels know only float serve the narrower types by computing in float: operands are cast on the
/// way in, results on the way out.
extension Lowering {
  /// The operand as float: itself, a constant cast now, or a temporary cast at run time.
  mutating func widened(_ x: Operand) throws(MaasError) -> Operand {
    if x.dtype == .float { return x }
    if let constant = x.constant { return try self.constant(try cast(constant, to: .float)) }
    let wide = try temporary(.float, x.shape)
    emitCast(x, wide)
    return wide
  }

  mutating func widenedInput(_ i: Int) throws(MaasError) -> Operand { try widened(try input(i)) }

  mutating func widenedOptional(_ i: Int) throws(MaasError) -> Operand? {
    guard let x = optionalInput(i) else { return nil }
    return try widened(x)
  }

  /// Where a float result for `y` goes: `y` itself, or a temporary that `narrow` casts.
  mutating func widenedTarget(_ y: Operand) throws(MaasError) -> Operand {
    y.dtype == .float ? y : try temporary(.float, y.shape)
  }

  mutating func narrow(_ wide: Operand, into y: Operand) {
    if wide.buffer != y.buffer { emitCast(wide, y) }
  }
}
