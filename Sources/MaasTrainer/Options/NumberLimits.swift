/// What numbers somebody may give, who thinks of what a 32-bit float holds with all its digits.
struct NumberLimits: Sendable {
  private let allowsZero: Bool
  private let bound: Float
  /// As errors say it.
  let text: String

  static let positive = NumberLimits(false, .infinity, "a number from 1.2e-38 to 3.4e38")
  static let notNegative = NumberLimits(true, .infinity, "0, or a number from 1.2e-38 to 3.4e38")
  static let part = NumberLimits(true, 1, "0, or a number from 1.2e-38 to below 1, as a 32-bit float")

  private init(_ allowsZero: Bool, _ bound: Float, _ text: String) {
    (self.allowsZero, self.bound, self.text) = (allowsZero, bound, text)
  }

  /// Not of NaN or infinity.
  func contains(_ value: Double) -> Bool {
    let own = Float(value)
    return own < bound && (own >= .leastNormalMagnitude || (allowsZero && value == 0))
  }
}

/// The number that a text is in decimal notation.
func decimal(_ text: some StringProtocol) -> Double? {
  let isDecimal = text.utf8.allSatisfy { byte in
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
  }
  return isDecimal ? Double(String(text)) : nil
}
