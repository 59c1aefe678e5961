import Glibc
import MaasCore

/// Standard output and standard error.
package enum Terminal {
  package static var showsOutput: Bool { isatty(STDOUT_FILENO) == 1 }
  package static var showsErrors: Bool { isatty(STDERR_FILENO) == 1 }

  /// Writes text to standard output, whole or with an error.
  package static func print(_ text: String) throws(MaasError) {
    let bytes = Array(text.utf8)
    var failure: MaasError?
    bytes.withUnsafeBytes { bytes in
      do throws(MaasError) { try write(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  package static func write(_ bytes: UnsafeRawBufferPointer) throws(MaasError) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = Glibc.write(STDOUT_FILENO, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
      if written < 0, errno == EINTR { continue }
      if written < 0 { throw MaasError.unwritable("standard output", errno) }
      rest = rest.dropFirst(written)
    }
  }

  /// Everything that standard input gives until its end.
  package static func readAll() throws(MaasError) -> [UInt8] {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(STDIN_FILENO, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count < 0 { throw MaasError.file("standard input", "cannot be read", errno) }
      if count == 0 { return bytes }
      bytes += buffer[..<count]
    }
  }

  /// Shows how far long work has come, on a terminal only; each call replaces what the last one showed.
  package static func progress(_ text: String) {
    if showsErrors { error("\r\u{1b}[K\(text)") }
  }

  /// One line on standard error that says why a program stops.
  package static func complain(_ message: String, _ program: String) {
    error("\(program): \(printable(message))\n")
  }

  package static func error(_ text: String) {
    let bytes = Array(text.utf8)
    _ = Glibc.write(STDERR_FILENO, bytes, bytes.count)
  }

  /// Names come from files: in them, what would move a terminal's cursor or start a line is shown as `\x0a`.
  package static func printable(_ text: String) -> String {
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
