/// A floating-point format of at most 8 bits, all of whose numbers are numbers of Float.
///
/// Source: the ONNX documentation on float stored in 4, 8 and 16 bits, and the OCP Microscaling specification 1.0.
package struct SmallFloat: BitwiseCopyable, Sendable {
  package enum Specials: BitwiseCopyable, Sendable {
    case ieee
    /// All ones are not a number; there is no infinity.
    case allOnes
    /// The bits of minus zero are not a number; there is no infinity.
    case minusZero
    case none
    /// Powers of two without a sign, all ones are not a number.
    case powersOfTwo
  }

  package let exponentBits: Int
  package let fractionBits: Int
  package let bias: Int
  package let specials: Specials

  package static func of(_ dtype: DType) -> SmallFloat? {
    switch dtype {
    case .float8e4m3fn: .init(exponentBits: 4, fractionBits: 3, bias: 7, specials: .allOnes)
    case .float8e4m3fnuz: .init(exponentBits: 4, fractionBits: 3, bias: 8, specials: .minusZero)
    case .float8e5m2: .init(exponentBits: 5, fractionBits: 2, bias: 15, specials: .ieee)
    case .float8e5m2fnuz: .init(exponentBits: 5, fractionBits: 2, bias: 16, specials: .minusZero)
    case .float8e8m0: .init(exponentBits: 8, fractionBits: 0, bias: 127, specials: .powersOfTwo)
    case .float4e2m1: .init(exponentBits: 2, fractionBits: 1, bias: 1, specials: .none)
    default: nil
    }
  }

  /// The bits without the sign, all ones.
  private var magnitudeMask: Int { (1 << (exponentBits + fractionBits)) - 1 }

  package func value(_ bits: Int) -> Float {
    if specials == .powersOfTwo {
      return bits == magnitudeMask ? .nan : Float(sign: .plus, exponent: bits - bias, significand: 1)
    }
    let exponent = bits >> fractionBits & ((1 << exponentBits) - 1)
    let fraction = bits & ((1 << fractionBits) - 1)
    let sign: Float = bits > magnitudeMask ? -1 : 1
    if let special = special(sign, exponent, fraction) { return special }
    let significand = exponent == 0 ? fraction : fraction + 1 << fractionBits
    return sign
      * Float(sign: .plus, exponent: max(exponent, 1) - bias - fractionBits, significand: Float(significand))
  }

  private func special(_ sign: Float, _ exponent: Int, _ fraction: Int) -> Float? {
    let nan = sign < 0 ? -Float.nan : .nan
    let isTop = exponent == (1 << exponentBits) - 1
    switch specials {
    case .ieee: return isTop ? (fraction == 0 ? sign * .infinity : nan) : nil
    case .allOnes: return isTop && fraction == (1 << fractionBits) - 1 ? nan : nil
    case .minusZero: return sign < 0 && exponent == 0 && fraction == 0 ? nan : nil
    case .none, .powersOfTwo: return nil
    }
  }

  /// The bits of the nearest number, ties to even. What is too large becomes the largest number there is, or, unless
  /// `saturates`, infinity or, where there is none, not a number.
  package func bits(_ value: Double, saturates: Bool) -> Int {
    let sign = value.sign == .minus ? magnitudeMask + 1 : 0
    if value.isNaN { return notANumber(sign) }
    let magnitude = roundedBits(value, significandBits: fractionBits, bias: bias)
    if magnitude > largest { return saturates ? sign | largest : overflow(sign) }
    return magnitude == 0 && specials == .minusZero ? 0 : sign | magnitude
  }

  private var largest: Int {
    switch specials {
    case .ieee: magnitudeMask & ~((1 << fractionBits) - 1) - 1
    case .allOnes, .powersOfTwo: magnitudeMask - 1
    case .minusZero, .none: magnitudeMask
    }
  }

  private func overflow(_ sign: Int) -> Int {
    switch specials {
    case .ieee: sign | largest + 1
    case .none: sign | largest
    default: notANumber(sign)
    }
  }

  /// The quiet one. A format that has none takes minus zero, or zero for one with a sign, as ml_dtypes does.
  private func notANumber(_ sign: Int) -> Int {
    switch specials {
    case .ieee: sign | magnitudeMask & ~((1 << fractionBits) - 1) | 1 << (fractionBits - 1)
    case .allOnes: sign | magnitudeMask
    case .minusZero: magnitudeMask + 1
    case .none: sign ^ (magnitudeMask + 1)
    case .powersOfTwo: magnitudeMask
    }
  }
}

/// How a number becomes a power of two.
package enum PowerRounding: UInt8, BitwiseCopyable, Sendable {
  case up, down, nearest
}

extension SmallFloat {
  /// The bits of a power of two near `value`, whose sign does not matter. `nearest` takes the larger one of two that
  /// are equally near. What is outside of the powers becomes the last one or, unless `saturates`, not a number.
  package func power(_ value: Float, _ rounding: PowerRounding, saturates: Bool) -> Int {
    if value.isNaN || (value.isInfinite && !saturates) { return magnitudeMask }
    let (exponent, fraction) = (Int(value.exponentBitPattern), value.significandBitPattern)
    let half: UInt32 = 1 << 22
    let isRaised =
      switch rounding {
      case .up: fraction > 0
      case .down: false
      case .nearest: fraction > half || (fraction == half && exponent > 0)
      }
    let power = isRaised ? exponent + 1 : exponent
    if saturates { return min(power, magnitudeMask - 1) }
    return power == 0 && value.magnitude < 0x1p-127 ? magnitudeMask : power
  }
}

/// The exponent and significand bits of |value| rounded to nearest even, in a format without an upper end; `bias` says
/// where its exponents, and below them its subnormal numbers, begin. `value` is not NaN.
@inlinable
package func roundedBits(_ value: Double, significandBits: Int, bias: Int) -> Int {
  let exponent = Int((value.bitPattern >> 52) & 0x7ff) - 1023
  let isNormal = exponent >= 1 - bias
  let shift = 52 - significandBits + (isNormal ? 0 : 1 - bias - exponent)
  if shift > 53 { return 0 }
  let fraction = value.bitPattern & (1 << 52 - 1)
  let full = fraction | (isNormal ? UInt64(exponent + bias) : 1) << 52
  let rounded = full >> shift
  let (rest, tie) = (full & (1 << shift - 1), UInt64(1) << (shift - 1))
  return Int(rest > tie || (rest == tie && rounded & 1 == 1) ? rounded + 1 : rounded)
}
