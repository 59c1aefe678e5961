/// The elements of numeric tensors. Integer arithmetic wraps and nothing traps.
protocol Number: BitwiseCopyable, Comparable {
  /// What sums of many elements are kept in.
  associatedtype Wide: Number

  static var zero: Self { get }
  static var one: Self { get }
  /// The smallest and largest values there are, infinities included.
  static var lowest: Self { get }
  static var highest: Self { get }
  static var isInteger: Bool { get }

  static func sum(_ a: Self, _ b: Self) -> Self
  static func difference(_ a: Self, _ b: Self) -> Self
  static func product(_ a: Self, _ b: Self) -> Self
  /// Nil for an integer division by zero.
  static func quotient(_ a: Self, _ b: Self) -> Self?
  /// `a - b * trunc(a / b)`: the sign of `a`, as C's fmod.
  static func remainder(_ a: Self, _ b: Self) -> Self?
  static func power(_ a: Self, _ b: Self) -> Self

  var isNaN: Bool { get }
  var double: Double { get }
  /// Rounded once.
  var float: Float { get }
  /// The low bits of an integer, or `init(truncating:)` of a float.
  func integer<I: Number & FixedWidthInteger>(_ type: I.Type) -> I
  /// Towards zero for integers; see `Int64.init(wrapping:)` for numbers that do not fit.
  init(truncating value: Double)
  var wide: Wide { get }
  init(narrowing value: Wide)
}

extension Number {
  static var one: Self { Self(truncating: 1) }
  var negated: Self { Self.difference(.zero, self) }
  var magnitudeOrSelf: Self { self < .zero ? negated : self }

  /// NaN if either is.
  static func least(_ a: Self, _ b: Self) -> Self { a.isNaN || a < b ? a : b }
  /// NaN if either is.
  static func greatest(_ a: Self, _ b: Self) -> Self { a.isNaN || a > b ? a : b }

  /// The remainder with the sign of the divisor, as Python's `%`.
  static func modulo(_ a: Self, _ b: Self) -> Self? {
    guard let rest = remainder(a, b) else { return nil }
    return rest != .zero && (rest < .zero) != (b < .zero) ? sum(rest, b) : rest
  }
}

extension Number where Self: FixedWidthInteger {
  static var lowest: Self { .min }
  static var highest: Self { .max }
  static var isInteger: Bool { true }
  static func sum(_ a: Self, _ b: Self) -> Self { a &+ b }
  static func difference(_ a: Self, _ b: Self) -> Self { a &- b }
  static func product(_ a: Self, _ b: Self) -> Self { a &* b }

  static func quotient(_ a: Self, _ b: Self) -> Self? {
    b == 0 ? nil : a.dividedReportingOverflow(by: b).partialValue
  }

  static func remainder(_ a: Self, _ b: Self) -> Self? {
    b == 0 ? nil : a.remainderReportingOverflow(dividingBy: b).partialValue
  }

  /// By repeated squaring. A negative exponent gives what 1 / a^-b truncates to, 0 for a = 0.
  static func power(_ a: Self, _ b: Self) -> Self {
    if b < 0 { return a == 1 ? 1 : a &+ 1 == 0 ? (b & 1 == 0 ? 1 : a) : 0 }
    var (result, base, exponent): (Self, Self, Self) = (1, a, b)
    while exponent != 0 {
      if exponent & 1 == 1 { result &*= base }
      base &*= base
      exponent >>= 1
    }
    return result
  }

  var isNaN: Bool { false }
  var double: Double { Double(self) }
  var float: Float { Float(self) }
  func integer<I: Number & FixedWidthInteger>(_ type: I.Type) -> I { I(truncatingIfNeeded: self) }
}

extension Number where Self: SignedInteger & FixedWidthInteger {
  var wide: Int64 { Int64(truncatingIfNeeded: self) }
  init(narrowing value: Int64) { self.init(truncatingIfNeeded: value) }

  init(truncating value: Double) {
    self.init(truncatingIfNeeded: Self.bitWidth == 64 ? Int64(wrapping: value) : Int64(narrow: value))
  }
}

extension Number where Self: UnsignedInteger & FixedWidthInteger {
  var wide: UInt64 { UInt64(truncatingIfNeeded: self) }
  init(narrowing value: UInt64) { self.init(truncatingIfNeeded: value) }

  init(truncating value: Double) {
    if Self.bitWidth == 64, value >= 0x1p63, value < 0x1p64 {
      self.init(truncatingIfNeeded: UInt64(value))
    } else {
      self.init(truncatingIfNeeded: Self.bitWidth >= 32 ? Int64(wrapping: value) : Int64(narrow: value))
    }
  }
}

extension Int64 {
  /// Towards zero; `Int64.min` for NaN and numbers that do not fit, which is what x86's instruction gives.
  init(wrapping value: Double) {
    self = value >= -0x1p63 && value < 0x1p63 ? Int64(value) : .min
  }

  /// As `wrapping`, through 32 bits: `Int32.min` for what does not fit.
  init(narrow value: Double) {
    self = value > -0x1.00000002p31 && value < 0x1p31 ? Int64(value) : Int64(Int32.min)
  }
}

extension Number where Self: BinaryFloatingPoint {
  static var lowest: Self { -.infinity }
  static var highest: Self { .infinity }
  static var isInteger: Bool { false }
  static func sum(_ a: Self, _ b: Self) -> Self { a + b }
  static func difference(_ a: Self, _ b: Self) -> Self { a - b }
  static func product(_ a: Self, _ b: Self) -> Self { a * b }
  static func quotient(_ a: Self, _ b: Self) -> Self? { a / b }
  static func remainder(_ a: Self, _ b: Self) -> Self? { a.truncatingRemainder(dividingBy: b) }
  var wide: Double { double }
  init(narrowing value: Double) { self.init(truncating: value) }
  func integer<I: Number & FixedWidthInteger>(_ type: I.Type) -> I { I(truncating: double) }
}

extension Int8: Number {}
extension Int16: Number {}
extension Int32: Number {}
extension Int64: Number {}
extension UInt8: Number {}
extension UInt16: Number {}
extension UInt32: Number {}
extension UInt64: Number {}
extension Int: Number {}
