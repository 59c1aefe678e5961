/// Decimal numbers in files, read without making a string where that gives the same.
package enum DecimalNumber {
  /// The number that all of the bytes are; nil where they are none. Infinite for `inf`, which the caller refuses.
  package static func parse(_ bytes: UnsafeBufferPointer<UInt8>) -> Double? {
    var reader = DecimalReader(bytes)
    if let exact = reader.exact() { return exact }
    guard reader.mayBeNumber else { return nil }
    return Double(String(decoding: bytes, as: UTF8.self))
  }
}

/// Digits, point and exponent. A mantissa below 2^53 times or by a power of ten up to 10^22 is rounded once, so it is
/// the nearest double (Clinger: How to read floating point numbers accurately, 1990).
private struct DecimalReader {
  private let bytes: UnsafeBufferPointer<UInt8>
  private var at = 0
  private var mantissa: UInt64 = 0
  private var scale = 0
  private var digits = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

  /// Whether it is decimal, or infinite: the standard library reads hexadecimal numbers too.
  var mayBeNumber: Bool {
    guard bytes.count < 400 else { return false }
    let text = bytes.lazy.map { $0 | 32 }
    if text.elementsEqual("inf".utf8) || text.dropFirst().elementsEqual("inf".utf8) { return true }
    return bytes.allSatisfy { $0 >= 48 && $0 <= 57 || "+-.eE".utf8.contains($0) }
  }

  mutating func exact() -> Double? {
    let isNegative = takeSign()
    takeDigits(scaled: false)
    if peek == UInt8(ascii: ".") {
      at += 1
      takeDigits(scaled: true)
    }
    guard digits > 0, takeExponent(), at == bytes.count else { return nil }
    guard mantissa < 1 << 53, abs(scale) <= 22, digits < 19 else { return nil }
    let magnitude = Double(mantissa)
    let value = scale < 0 ? magnitude / powersOfTen[-scale] : magnitude * powersOfTen[scale]
    return isNegative ? -value : value
  }

  private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func takeSign() -> Bool {
    let sign = peek
    if sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { at += 1 }
    return sign == UInt8(ascii: "-")
  }

  private mutating func takeDigits(scaled: Bool) {
    while let byte = peek, byte >= 48, byte <= 57 {
      mantissa = mantissa &* 10 &+ UInt64(byte - 48)
      if mantissa != 0 || digits == 0 { digits += 1 }
      if scaled { scale -= 1 }
      at += 1
    }
  }

  private mutating func takeExponent() -> Bool {
    guard let byte = peek, byte | 32 == UInt8(ascii: "e") else { return true }
    at += 1
    let isNegative = takeSign()
    var (exponent, count) = (0, 0)
    while let byte = peek, byte >= 48, byte <= 57, count < 4 {
      exponent = exponent * 10 + Int(byte - 48)
      count += 1
      at += 1
    }
    scale += isNegative ? -exponent : exponent
    return count > 0
  }
}

private let powersOfTen: [Double] = [
  1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
  1e20,
  1e21, 1e22,
]
