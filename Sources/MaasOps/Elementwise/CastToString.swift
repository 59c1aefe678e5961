import MaasCore
import MaasGraph

/// Cast to strings: the text that NumPy's `astype(str)` makes of a number.
final class CastToString: HostOperator {
  let name = "Cast"

  /// Only ever found in place of a cast, which said what the output is.
  func infer(_ node: inout Inference) throws(MaasError) { node.setOutput(0, .string, try node.shape(0)) }

  func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    return [.tensor(try Tensor(x.shape, strings: try texts(x)))]
  }

  private func texts(_ x: Tensor) throws(MaasError) -> [String] {
    switch x.dtype {
    case .float:
      return x.elements(as: Float.self).map { decimal(Double($0), Digits($0.description), limit: 1e6) }
    case .double: return x.elements(as: Double.self).map { decimal($0, Digits($0.description), limit: 1e16) }
    case .bool: return x.elements(as: UInt8.self).map { $0 == 0 ? "False" : "True" }
    case .uint64: return x.elements(as: UInt64.self).map { "\($0)" }
    case .float16: return narrowTexts(x.elements(as: Half.self)) { Half(truncating: $0).double }
    case .bfloat16: return narrowTexts(x.elements(as: BFloat16.self)) { BFloat16(truncating: $0).double }
    default: break
    }
    guard let format = SmallFloat.of(x.dtype) else {
      return try cast(x, to: .int64).elements(as: Int64.self).map { "\($0)" }
    }
    return try cast(x, to: .float).elements(as: Float.self).map { value in
      shortest(Double(value)) { Double(format.value(format.bits($0, saturates: false))) }
    }
  }

  private func narrowTexts<T: NarrowFloat>(_ values: [T], _ rounded: (Double) -> Double) -> [String] {
    values.map { shortest($0.double, rounded) }
  }
}

/// The number with the fewest digits that `rounded` takes back to `value`.
private func shortest(_ value: Double, _ rounded: (Double) -> Double) -> String {
  let magnitude = value.magnitude
  if !magnitude.isFinite || magnitude == 0 { return decimal(value, Digits("0"), limit: 1e3) }
  var (unit, exponent) = (1.0, 0)
  while magnitude / unit >= 10 { (unit, exponent) = (unit * 10, exponent + 1) }
  while magnitude / unit < 1 { (unit, exponent) = (unit / 10, exponent - 1) }
  while true {
    // Below a power of two the next number up may name the value where the nearest one does not.
    let count = (magnitude / unit).rounded(.toNearestOrEven)
    for candidate in [count, count + 1] where rounded(candidate * unit) == magnitude || candidate > 0x1p52 {
      return decimal(value, Digits("\(Int64(candidate))e\(exponent)"), limit: 1e3)
    }
    (unit, exponent) = (unit / 10, exponent - 1)
  }
}

/// The digits of `value` in NumPy's form: an exponent below 1e-4 and from `limit` on.
private func decimal(_ value: Double, _ digits: Digits, limit: Double) -> String {
  if value.isNaN { return "nan" }
  if value.isInfinite { return value < 0 ? "-inf" : "inf" }
  let isPositional = value == 0 || (value.magnitude >= 1e-4 && value.magnitude < limit)
  return (value.sign == .minus ? "-" : "") + (isPositional ? digits.positional : digits.scientific)
}

/// The digits d.ddd × 10^exponent of a description such as `-12.5`, `1e-05` or `5.0e-324`.
private struct Digits {
  private var digits: [UInt8] = []
  private var exponent = -1

  init(_ description: String) {
    var (isFraction, isExponent, isNegative, power) = (false, false, false, 0)
    for byte in description.utf8 {
      switch byte {
      case 46: isFraction = true
      case 101, 69: isExponent = true
      case 45: isNegative = isExponent
      case 48...57 where isExponent: power = power * 10 + Int(byte - 48)
      case 48...57: append(byte, isFraction)
      default: break
      }
    }
    while digits.last == 48 { digits.removeLast() }
    exponent = digits.isEmpty ? 0 : exponent + (isNegative ? -power : power)
    if digits.isEmpty { digits = [48] }
  }

  private mutating func append(_ digit: UInt8, _ isFraction: Bool) {
    if digits.isEmpty, digit == 48 {
      exponent -= isFraction ? 1 : 0
    } else {
      digits.append(digit)
      exponent += isFraction ? 0 : 1
    }
  }

  private func text(_ digits: some Sequence<UInt8>) -> String {
    String(decoding: Array(digits), as: UTF8.self)
  }

  var positional: String {
    let zeros = [UInt8](
      repeating: 48, count: exponent < 0 ? -exponent - 1 : max(0, exponent + 1 - digits.count))
    if exponent < 0 { return "0." + text(zeros + digits) }
    let whole = text(digits.prefix(exponent + 1) + zeros)
    let fraction = digits.dropFirst(exponent + 1)
    return whole + "." + (fraction.isEmpty ? "0" : text(fraction))
  }

  var scientific: String {
    let fraction = digits.count > 1 ? "." + text(digits.dropFirst()) : ""
    let power = "\(exponent.magnitude)"
    return text(digits.prefix(1)) + fraction + (exponent < 0 ? "e-" : "e+")
      + (power.utf8.count < 2 ? "0" : "") + power
  }
}
