import CMaasKernels
import MaasCore

extension Float: Number {
  static func power(_ a: Float, _ b: Float) -> Float { Float(maas_f64_pow(Double(a), Double(b))) }
  var double: Double { Double(self) }
  var float: Float { self }
  init(truncating value: Double) { self = Float(value) }
}

extension Double: Number {
  static func power(_ a: Double, _ b: Double) -> Double { maas_f64_pow(a, b) }
  var double: Double { self }
  var float: Float { Float(self) }
  init(truncating value: Double) { self = value }
}

/// A 16-bit float: stored as its bits, computed with as Float, rounded once to nearest even.
protocol NarrowFloat: Number where Wide == Double {}

extension NarrowFloat {
  static var zero: Self { Self(truncating: 0) }
  static var lowest: Self { Self(truncating: -.infinity) }
  static var highest: Self { Self(truncating: .infinity) }
  static var isInteger: Bool { false }
  static func sum(_ a: Self, _ b: Self) -> Self { Self(truncating: Double(a.float + b.float)) }
  static func difference(_ a: Self, _ b: Self) -> Self { Self(truncating: Double(a.float - b.float)) }
  static func product(_ a: Self, _ b: Self) -> Self { Self(truncating: Double(a.float * b.float)) }
  static func quotient(_ a: Self, _ b: Self) -> Self? { Self(truncating: Double(a.float / b.float)) }
  static func remainder(_ a: Self, _ b: Self) -> Self? {
    Self(truncating: a.double.truncatingRemainder(dividingBy: b.double))
  }
  static func power(_ a: Self, _ b: Self) -> Self { Self(truncating: maas_f64_pow(a.double, b.double)) }
  static func < (a: Self, b: Self) -> Bool { a.float < b.float }
  static func == (a: Self, b: Self) -> Bool { a.float == b.float }
  // What Comparable makes of < is true of NaN.
  static func <= (a: Self, b: Self) -> Bool { a.float <= b.float }
  static func >= (a: Self, b: Self) -> Bool { a.float >= b.float }
  var isNaN: Bool { float.isNaN }
  var double: Double { Double(float) }
  var wide: Double { double }
  init(narrowing value: Double) { self.init(truncating: value) }
  func integer<I: Number & FixedWidthInteger>(_ type: I.Type) -> I { I(truncating: double) }
}

/// IEEE 754 binary16.
struct Half: NarrowFloat {
  let bits: UInt16

  init(truncating value: Double) { bits = narrowed(value, exponentBits: 5, significandBits: 10) }

  var float: Float {
    let sign = UInt32(bits & 0x8000) << 16
    let (exponent, significand) = (UInt32(bits >> 10) & 31, UInt32(bits) & 0x3ff)
    if exponent == 0 { return (sign == 0 ? 1 : -1) * Float(significand) * 0x1p-24 }
    return Float(bitPattern: sign | (exponent == 31 ? 255 : exponent + 112) << 23 | significand << 13)
  }
}

/// The upper half of a binary32.
struct BFloat16: NarrowFloat {
  let bits: UInt16

  init(truncating value: Double) { bits = narrowed(value, exponentBits: 8, significandBits: 7) }

  var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}

/// The bits of the nearest 16-bit float, ties to even, subnormals included.
private func narrowed(_ value: Double, exponentBits: Int, significandBits: Int) -> UInt16 {
  let sign = UInt16(value.sign == .minus ? 0x8000 : 0)
  let infinity = ((1 << exponentBits) - 1) << significandBits
  if value.isNaN { return sign | UInt16(truncatingIfNeeded: infinity | 1 << (significandBits - 1)) }
  let bias = 1 << (exponentBits - 1) - 1
  let rounded = roundedBits(value, significandBits: significandBits, bias: bias)
  return sign | UInt16(truncatingIfNeeded: min(rounded, infinity))
}

extension BinaryFloatingPoint {
  /// Towards zero. In generic code `Int(x)` would take the number apart bit by bit.
  @inline(__always)
  var int: Int { Int(Double(self)) }
}
