import Glibc

/// A number in decimal: `±d.ddd × 10^exponent`, without trailing zeros.
struct DecimalDigits {
  var isNegative: Bool
  /// ASCII digits; the first is 0 only for the number 0.
  var digits: [UInt8]
  var exponent: Int

  /// The shortest digits that name just this value among those of its type.
  init<T: BinaryFloatingPoint & CustomStringConvertible>(shortest value: T) {
    // Swift's description is as short as can be but for whole half-precision numbers.
    if T.significandBitCount < 23 {
      self.init(searching: value)
    } else {
      self.init(parsing: value.description)
    }
  }

  /// Tries one digit more until reading gives the value back. Below a power of two numbers are denser than above it,
  /// so that the nearest decimal may miss the value where the next one up does not.
  private init<T: BinaryFloatingPoint>(searching value: T) {
    let magnitude = Double(value.magnitude)
    var text = printed("%.16e", magnitude)
    let exponent = DecimalDigits(parsing: text).exponent
    search: for places in 0..<6 {
      let halfUnit = 0.5 * pow(10, Double(exponent - places))
      for candidate in [magnitude, magnitude + halfUnit].map({ printed("%.\(places)e", $0) })
      where Double(candidate).map({ T($0) }) == value.magnitude {
        text = candidate
        break search
      }
    }
    self.init(parsing: text)
    isNegative = value.sign == .minus
  }

  /// At most `places` digits after the point of `d.ddd`; rounded from the exact value, not from the shortest digits.
  static func scientific<T: BinaryFloatingPoint & CustomStringConvertible>(_ value: T, places: Int) -> Self {
    let shortest = Self(shortest: value)
    return shortest.digits.count - 1 <= places
      ? shortest : Self(parsing: printed("%.\(places)e", Double(value)))
  }

  /// Just `places` digits after the point of `d.ddd`: those beyond the shortest come from the exact value, so 5e-324
  /// with three places is 4.941e-324.
  static func scientific<T: BinaryFloatingPoint & CustomStringConvertible>(_ value: T, exactly places: Int)
    -> Self
  {
    let shortest = Self(shortest: value)
    return shortest.digits.count - 1 == places
      ? shortest : Self(parsing: printed("%.\(places)e", Double(value)))
  }

  /// At most `places` digits after the decimal point.
  static func positional<T: BinaryFloatingPoint & CustomStringConvertible>(_ value: T, places: Int) -> Self {
    let shortest = Self(shortest: value)
    let isShort = shortest.digits.count - 1 - shortest.exponent <= places
    return isShort ? shortest : Self(parsing: printed("%.\(places)f", Double(value)))
  }

  /// Reads `-12.5`, `1e-05`, `5.0e-324`.
  private init(parsing text: String) {
    let parts = text.split(separator: "e")
    let number = parts[0].utf8
    isNegative = number.first == UInt8(ascii: "-")
    let point = number.firstIndex(of: UInt8(ascii: ".")) ?? number.endIndex
    let whole = number[..<point].count { isDigit($0) }
    let all = number.filter { isDigit($0) }
    let leading = all.prefix { $0 == 48 }.count
    digits = Array(all.dropFirst(leading))
    while digits.last == 48 { digits.removeLast() }
    exponent = whole - 1 - leading + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
    if digits.isEmpty { (digits, exponent) = ([48], 0) }
  }

  /// The digits before and after the decimal point; nothing after it for a whole number.
  var positionalParts: (whole: String, fraction: String) {
    if exponent < 0 {
      return ("0", digits == [48] ? "" : String(repeating: "0", count: -exponent - 1) + text(digits[...]))
    }
    let padding = String(repeating: "0", count: max(0, exponent + 1 - digits.count))
    return (text(digits.prefix(exponent + 1)) + padding, text(digits.dropFirst(exponent + 1)))
  }

  /// The digits before and after the point of `d.ddd`, and the exponent with at least two digits.
  var scientificParts: (whole: String, fraction: String, exponentSign: String, exponent: String) {
    let magnitude = "\(exponent.magnitude)"
    return (
      text(digits.prefix(1)), text(digits.dropFirst()), exponent < 0 ? "-" : "+",
      magnitude.count < 2 ? "0" + magnitude : magnitude
    )
  }
}

func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

private func text(_ digits: ArraySlice<UInt8>) -> String { String(decoding: digits, as: UTF8.self) }

/// The value by C's printf, which rounds the exact value half to even.
private func printed(_ format: String, _ value: Double) -> String {
  // The largest double has 309 digits before the point.
  var buffer = [CChar](repeating: 0, count: 400)
  _ = withVaList([value]) { vsnprintf(&buffer, buffer.count, format, $0) }
  return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
