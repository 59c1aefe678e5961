/// What numbers somebody may give.
struct NumberLimits: Sendable {
  private let lowest: Double
  private let allowsLowest: Bool
  private let bound: Double
  /// As errors say it.
  let text: String

  /// Above 0.
  static let positive = NumberLimits(0, false, .infinity, "a number above 0")
  /// From 0 on.
  static let notNegative = NumberLimits(0, true, .infinity, "a number, at least 0")
  /// From 0 to below 1.
  static let part = NumberLimits(0, true, 1, "at least 0 and below 1")

  private init(_ lowest: Double, _ allowsLowest: Bool, _ bound: Double, _ text: String) {
    (self.lowest, self.allowsLowest, self.bound, self.text) = (lowest, allowsLowest, bound, text)
  }

  /// Not of NaN or infinity.
  func contains(_ value: Double) -> Bool {
    value < bound && (value > lowest || (allowsLowest && value == lowest))
  }
}

/// The number that a text is in decimal notation.
func decimal(_ text: some StringProtocol) -> Double? {
  let isDecimal = text.utf8.allSatisfy { byte in
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
  }
  return isDecimal ? Double(String(text)) : nil
}
