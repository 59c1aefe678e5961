import ArgumentParser
import Glibc
import MaasCommand
import MaasCore

/// Exit codes: 0 all went well (also where Ctrl-C ended training early and the model was written), 1 a failure, 2 a
/// wrong command line. A failure is one line on standard error.
@main enum Main {
  static func main() {
    exit(run(Array(CommandLine.arguments.dropFirst())))
  }

  private static func run(_ arguments: [String]) -> Int32 {
    let command: TrainCommand
    do {
      command = try TrainCommand.parse(withNegativeNumbersJoined(arguments))
    } catch {
      return TrainCommand.answer(error, program)
    }
    do throws(MaasError) {
      try command.run(arguments)
      return 0
    } catch {
      Terminal.progress("")
      Terminal.complain(error.message)
      Job.abort(1)
      return 1
    }
  }
}

private let program = "maas-train"

extension Terminal {
  static func complain(_ message: String) { complain(message, program) }
}
