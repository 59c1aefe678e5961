/// A number with a fixed count of places behind the point, as the core writes it without the C library.
func decimal(_ value: Double, _ places: Int) -> String {
  guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
  var scale = 1.0
  for _ in 0..<places { scale *= 10 }
  let whole = (value.magnitude * scale).rounded()
  guard whole < 1e18 else { return "\(value)" }
  let digits = "\(Int(whole))"
  let padded = String(repeating: "0", count: max(0, places + 1 - digits.utf8.count)) + digits
  let point = padded.index(padded.endIndex, offsetBy: -places)
  let sign = value < 0 && padded.contains { $0 != "0" } ? "-" : ""
  return sign + padded[..<point] + (places > 0 ? "." + padded[point...] : "")
}
