import MaasCore

/// A floating-point format that Swift has no type for, wide enough to be printed as Float.
///
/// Source: the ONNX documentation on float stored in 4, 8 and 16 bits, and the OCP Microscaling specification 1.0.
private struct SmallFloat {
  enum Specials {
    case ieee
    /// All ones are not a number; there is no infinity.
    case allOnes
    /// The bits of minus zero are not a number; there is no infinity.
    case minusZero
    case none
  }

  let exponentBits: Int
  let fractionBits: Int
  let bias: Int
  let specials: Specials

  static func of(_ dtype: DType) -> SmallFloat? {
    switch dtype {
    case .float8e4m3fn: .init(exponentBits: 4, fractionBits: 3, bias: 7, specials: .allOnes)
    case .float8e4m3fnuz: .init(exponentBits: 4, fractionBits: 3, bias: 8, specials: .minusZero)
    case .float8e5m2: .init(exponentBits: 5, fractionBits: 2, bias: 15, specials: .ieee)
    case .float8e5m2fnuz: .init(exponentBits: 5, fractionBits: 2, bias: 16, specials: .minusZero)
    case .float4e2m1: .init(exponentBits: 2, fractionBits: 1, bias: 1, specials: .none)
    default: nil
    }
  }

  func value(_ bits: Int) -> Float {
    let exponent = bits >> fractionBits & ((1 << exponentBits) - 1)
    let fraction = bits & ((1 << fractionBits) - 1)
    let sign: Float = bits >> (exponentBits + fractionBits) & 1 == 0 ? 1 : -1
    if let special = special(sign, exponent, fraction) { return special }
    let significand = exponent == 0 ? fraction : fraction + 1 << fractionBits
    return sign
      * Float(sign: .plus, exponent: max(exponent, 1) - bias - fractionBits, significand: Float(significand))
  }

  private func special(_ sign: Float, _ exponent: Int, _ fraction: Int) -> Float? {
    let isTop = exponent == (1 << exponentBits) - 1
    switch specials {
    case .ieee: return isTop ? (fraction == 0 ? sign * .infinity : .nan) : nil
    case .allOnes: return isTop && fraction == (1 << fractionBits) - 1 ? .nan : nil
    case .minusZero: return sign < 0 && exponent == 0 && fraction == 0 ? .nan : nil
    case .none: return nil
    }
  }
}

extension Tensor {
  /// Elements of the floating-point types below 32 bits that NumPy lacks; nil for other types.
  func smallFloats(at indices: [Int]) -> [Float]? {
    if dtype == .bfloat16 {
      return indices.map {
        Float(bitPattern: UInt32(bytes.loadUnaligned(fromByteOffset: $0 * 2, as: UInt16.self)) << 16)
      }
    }
    if dtype == .float8e8m0 {
      return packed(at: indices).map {
        $0 == 255 ? .nan : Float(sign: .plus, exponent: $0 - 127, significand: 1)
      }
    }
    return SmallFloat.of(dtype).map { format in packed(at: indices).map { format.value($0) } }
  }
}
