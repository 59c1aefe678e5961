import MaasCommand

extension Terminal {
  /// One line on standard error that says why the tool stops.
  static func complain(_ message: String) {
    error("maas-run: \(printable(message))\n")
  }
}
