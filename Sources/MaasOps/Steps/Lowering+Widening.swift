import MaasCore
import MaasGraph

/// Operators whose kernels know only float serve the narrower types by computing in float: operands are cast on the
/// way in, results on the way out.
extension Lowering {
  /// The operand as float: itself, a constant cast now, or a temporary cast at run time.
  @inline(never)
  mutating func widened(_ x: Operand) throws(MaasError) -> Operand {
    if x.dtype == .float { return x }
    if let constant = x.constant { return try self.constant(try cast(constant, to: .float)) }
    return try converted(x, .float)
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

  /// Lets `emit` write y from x, both in the `wideType` of their element type.
  mutating func emitWide(
    _ x: Operand, _ y: Operand, _ emit: (inout Lowering, Operand, Operand) throws(MaasError) -> Void
  ) throws(MaasError) {
    let wide = try converted(x, x.dtype.wideType)
    let target = y.dtype == wide.dtype ? y : try temporary(wide.dtype, y.shape)
    try emit(&self, wide, target)
    narrow(target, into: y)
  }

  @inline(never)
  mutating func narrow(_ wide: Operand, into y: Operand) {
    if wide.buffer != y.buffer { emitCast(wide, y) }
  }

  /// Where a result of `wide` elements for `y` goes: `y` itself, or a temporary that `narrow` casts.
  @inline(never)
  mutating func target(_ y: Operand, _ wide: DType) throws(MaasError) -> Operand {
    y.dtype == wide ? y : try temporary(wide, y.shape)
  }

  /// Where a result of `wide` elements for output `i` goes, which may be one that nobody wants.
  mutating func target(_ i: Int, _ wide: DType, _ shape: [Int]) throws(MaasError) -> Operand {
    guard let y = optionalOutput(i) else { return try temporary(wide, shape) }
    return try target(y, wide)
  }

  /// Brings what was computed for output `i` there, if it is wanted.
  mutating func deliver(_ result: Operand, _ i: Int) {
    if let y = optionalOutput(i) { narrow(result, into: y) }
  }

  /// As `converted`, with constants cast now.
  @inline(never)
  mutating func converted(constant x: Operand, _ dtype: DType) throws(MaasError) -> Operand {
    guard let constant = x.constant, x.dtype != dtype else { return try converted(x, dtype) }
    return try self.constant(try cast(constant, to: dtype))
  }

  /// A constant of `shape` with one value everywhere.
  mutating func scalar(_ value: Double, _ dtype: DType, _ shape: [Int] = []) throws(MaasError) -> Operand {
    let values = [Double](repeating: value, count: elementCount(shape) ?? 0)
    return try constant(try cast(try Tensor(.double, shape, values), to: dtype))
  }

  /// The operand in the type a `FloatKernel` takes it in: itself, or converted.
  mutating func floating(_ x: Operand) throws(MaasError) -> Operand {
    x.dtype.floating == .float ? try widened(x) : try converted(x, .double)
  }

  mutating func floatingOptional(_ i: Int) throws(MaasError) -> Operand? {
    guard let x = optionalInput(i) else { return nil }
    return try floating(x)
  }
}

extension DType {
  /// What steps without a kernel for this type compute in.
  var wide: DType { self == .double ? .double : .float }
}
