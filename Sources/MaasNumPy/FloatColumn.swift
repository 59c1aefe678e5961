/// How numbers that are printed together are aligned, by NumPy's rules for str(array): at most eight digits after the
/// point, decimal points under each other, and exponents for all where the magnitudes differ too much.
struct FloatColumn<T: BinaryFloatingPoint & CustomStringConvertible> {
  private static var places: Int { 8 }

  private let usesExponent: Bool
  private let showsPlus: Bool
  /// Widths: before the point with the sign, after it, and of the exponent without its sign.
  private var whole = 0
  private var fraction = 0
  private var exponent = 0

  /// The format for `values`. With `showsPlus`, positive numbers have a sign too.
  init(_ values: [T], showsPlus: Bool = false) {
    let finite = values.filter { $0.isFinite }
    self.showsPlus = showsPlus
    usesExponent = FloatColumn.needsExponent(finite.filter { $0 != 0 }.map { $0.magnitude })
    for value in finite {
      let parts = self.parts(value)
      whole = max(whole, parts.whole.count)
      fraction = max(fraction, parts.fraction.count)
      exponent = max(exponent, parts.exponent.count)
    }
    if finite.count < values.count { makeRoomForNonFinite(values.contains { $0 == -.infinity }) }
  }

  /// NumPy compares in the element type, whose precision also sets the largest number without an exponent.
  private static func needsExponent(_ magnitudes: [T]) -> Bool {
    guard let least = magnitudes.min(), let greatest = magnitudes.max() else { return false }
    let cutoff = T(powerOfTen(min(8, decimalPlaces(T.self))))
    return greatest >= cutoff || least < T(0.0001) || greatest / least > 1000
  }

  private mutating func makeRoomForNonFinite(_ hasNegativeInfinity: Bool) {
    let length = showsPlus || hasNegativeInfinity ? 4 : 3
    whole = max(whole, length - afterWhole)
  }

  /// What follows the digits before the point: the point, and fraction and exponent with their widths.
  private var afterWhole: Int { 1 + fraction + (usesExponent && exponent > 0 ? 2 + exponent : 0) }

  func text(_ value: T) -> String {
    guard value.isFinite else { return padded(nonFinite(value), before: whole + afterWhole) }
    guard usesExponent else {
      let parts = self.parts(value)
      return padded(parts.whole, before: whole) + "." + parts.fraction
        + repeated(" ", fraction - parts.fraction.count)
    }
    let parts = DecimalDigits.scientific(value, exactly: fraction).scientificParts
    return padded(sign(value) + parts.whole, before: whole) + "." + parts.fraction
      + repeated("0", fraction - parts.fraction.count) + "e" + parts.exponentSign
      + repeated("0", exponent - parts.exponent.count) + parts.exponent
  }

  private func sign(_ value: T) -> String { value.sign == .minus ? "-" : showsPlus ? "+" : "" }

  private func nonFinite(_ value: T) -> String {
    let name = value.isNaN ? "nan" : "inf"
    return value < 0 ? "-" + name : showsPlus ? "+" + name : name
  }

  private func parts(_ value: T) -> (whole: String, fraction: String, exponentSign: String, exponent: String)
  {
    if usesExponent {
      var parts = DecimalDigits.scientific(value, places: FloatColumn.places).scientificParts
      parts.whole = sign(value) + parts.whole
      return parts
    }
    let parts = DecimalDigits.positional(value, places: FloatColumn.places).positionalParts
    return (sign(value) + parts.whole, parts.fraction, "", "")
  }
}

/// A number on its own, as NumPy prints a scalar: `1.0`, `0.1`, `1e-05`, `nan`.
func scalarText<T: BinaryFloatingPoint & CustomStringConvertible>(_ value: T) -> String {
  guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
  let sign = value.sign == .minus ? "-" : ""
  let magnitude = Double(value.magnitude)
  let cutoff = powerOfTen(T.self == Double.self ? 16 : decimalPlaces(T.self))
  let digits = DecimalDigits(shortest: value)
  if magnitude != 0, magnitude < 1e-4 || magnitude >= cutoff {
    let parts = digits.scientificParts
    let fraction = parts.fraction.isEmpty ? "" : "." + parts.fraction
    return sign + parts.whole + fraction + "e" + parts.exponentSign + parts.exponent
  }
  let parts = digits.positionalParts
  return sign + parts.whole + "." + (parts.fraction.isEmpty ? "0" : parts.fraction)
}

func padded(_ text: String, before width: Int) -> String { repeated(" ", width - text.count) + text }

func repeated(_ text: String, _ count: Int) -> String { String(repeating: text, count: max(0, count)) }

/// How many decimal digits every number of a type keeps: 3, 6 and 15 for half, single and double precision.
private func decimalPlaces<T: BinaryFloatingPoint>(_: T.Type) -> Int {
  T.significandBitCount * 30103 / 100000
}

private func powerOfTen(_ exponent: Int) -> Double {
  var power = 1.0
  for _ in 0..<exponent { power *= 10 }
  return power
}
