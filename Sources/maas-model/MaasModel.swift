import ArgumentParser
import CMaas
import CMaasSystem
import MaasCommand
import MaasCore

@main
struct MaasModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "maas-model",
    abstract: "Looks into ONNX models, optimizes, quantizes and compiles them.",
    discussion: """
      Exit status: 0 when all went well, 1 when a model is wrong or cannot be read, 2 when the command line is wrong.
      """,
    version: "maas-model \(MAAS_VERSION)",
    subcommands: [
      Check.self, Compile.self, Inspect.self, Operators.self, Optimize.self, Quantize.self, Text.self,
    ])

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
      do {
        try printLine(fullMessage(for: error))
        MaasModel.exit()
      } catch {
        fail("\(error)")
      }
    case .validationFailure:
      try? printLine(fullMessage(for: error), to: 2)
      MaasModel.exit(withError: ExitCode(2))
    default: fail(message(for: error))
    }
  }

  private static func fail(_ message: String) -> Never {
    if !message.isEmpty { complain(message) }
    MaasModel.exit(withError: ExitCode(1))
  }
}

/// Prints a line to standard output (1) or standard error (2), whole or with an error.
func printLine(_ text: String, to descriptor: Int32 = 1) throws {
  let line = text + "\n"
  let error = line.utf8CString.withUnsafeBufferPointer { bytes in
    bytes.baseAddress.map { maas_sys_print(descriptor, $0, bytes.count - 1) } ?? 0
  }
  if error != 0 { throw MaasError.unwritable("standard output", error) }
}

/// A line on standard error; nobody is left to tell when that fails.
func complain(_ message: String) {
  try? printLine("maas-model: \(Terminal.printable(message))", to: 2)
}
