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
      command = try TrainCommand.parse(arguments)
    } catch {
      return answer(error)
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

  /// Prints what arguments ask for that are not to be run: help, the version, or what is wrong with them.
  private static func answer(_ error: any Error) -> Int32 {
    if TrainCommand.exitCode(for: error) == .success {
      do throws(MaasError) {
        try Terminal.print(TrainCommand.fullMessage(for: error) + "\n")
        return 0
      } catch {
        Terminal.complain(error.message)
        return 1
      }
    }
    let lines = TrainCommand.message(for: error).split(separator: "\n").map(String.init)
    Terminal.complain(joined(lines, " ") + " (see 'maas-train --help')")
    return 2
  }
}

extension Terminal {
  /// One line on standard error that says why the tool stops.
  static func complain(_ message: String) {
    error("maas-train: \(printable(message))\n")
  }
}
