import MaasCommand

extension Terminal {
  /// One line on standard error that says why the tool stops.
  static func complain(_ message: String) {
    error("maas-run: \(printable(message))\n")
  }

  /// Names come from files: in them, what would move a terminal's cursor or start a line is shown as `\x0a`.
  static func printable(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if scalar.value < 32 || 127...159 ~= scalar.value {
        let digits = String(scalar.value, radix: 16)
        shown.append(contentsOf: ("\\x" + (digits.count < 2 ? "0" : "") + digits).unicodeScalars)
      } else {
        shown.append(scalar)
      }
    }
    return String(shown)
  }
}
