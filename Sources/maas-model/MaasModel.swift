import ArgumentParser
import CMaasSystem

@main
struct MaasModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "maas-model",
    abstract: "Looks into ONNX models.",
    discussion: """
      Exit status: 0 when all went well, 1 when a model is wrong or cannot be read, 2 when the command line is wrong.
      """,
    subcommands: [Check.self, Text.self])

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      quit(error)
    }
  }

  /// Prints what ArgumentParser has to say (help is an "error" too) with this program's exit codes.
  private static func quit(_ error: any Error) -> Never {
    switch exitCode(for: error) {
    case .success:
      printLine(fullMessage(for: error))
      MaasModel.exit()
    case .validationFailure:
      printLine(fullMessage(for: error), to: 2)
      MaasModel.exit(withError: ExitCode(2))
    default:
      let message = message(for: error)
      if !message.isEmpty { printLine("maas-model: \(message)", to: 2) }
      MaasModel.exit(withError: ExitCode(1))
    }
  }
}

/// Prints a line to standard output (1) or standard error (2).
func printLine(_ text: String, to descriptor: Int32 = 1) {
  let line = text + "\n"
  line.utf8CString.withUnsafeBufferPointer { bytes in
    guard let start = bytes.baseAddress else { return }
    maas_sys_print(descriptor, start, bytes.count - 1)
  }
}
