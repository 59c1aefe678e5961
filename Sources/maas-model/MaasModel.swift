import ArgumentParser
import CMaas
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
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let name = arguments.first, let mistake = mistake(name) {
      complain("\(mistake) (see 'maas-model --help')")
      exit(withError: ExitCode(2))
    }
    do {
      var command = try parseAsRoot(withNegativeNumbersJoined(arguments))
      try command.run()
    } catch {
      quit(error)
    }
  }

  func run() throws {
    throw ValidationError("a command is missing: expected \(joined(Self.names, ", "))")
  }

  private static var names: [String] { configuration.subcommands.map { "\($0)".lowercased() } + ["help"] }

  /// What is wrong with a first word that is no command.
  private static func mistake(_ name: String) -> String? {
    if name.hasPrefix("-") || names.contains(name) { return nil }
    let guess = didYouMean(name, names).map { "; \($0)" } ?? ""
    return "there is no command '\(name)': expected \(joined(names, ", "))\(guess)"
  }

  /// Ends with this program's exit status for what ArgumentParser has to say; help is an "error" too.
  private static func quit(_ error: any Error) -> Never {
    switch exitCode(for: error) {
    case .success, .validationFailure: exit(withError: ExitCode(answer(error, "maas-model")))
    default: fail(message(for: error))
    }
  }

  private static func fail(_ message: String) -> Never {
    if !message.isEmpty { complain(message) }
    MaasModel.exit(withError: ExitCode(1))
  }
}

/// Prints a line to standard output, whole or with an error.
func printLine(_ text: String) throws { try Terminal.print(text + "\n") }

/// A line on standard error; nobody is left to tell when that fails.
func complain(_ message: String) { Terminal.complain(message, "maas-model") }
