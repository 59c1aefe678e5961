import ArgumentParser
import Glibc
import MaasCommand
import MaasCore

/// Exit codes: 0 all went well, 1 a failure, 2 a wrong command line. A failure is one line on standard error.
@main enum Main {
  static func main() {
    exit(run(Array(CommandLine.arguments.dropFirst())))
  }

  private static func run(_ arguments: [String]) -> Int32 {
    let command: RunCommand
    do {
      command = try RunCommand.parse(RunCommand.withExplicitSeed(withNegativeNumbersJoined(arguments)))
    } catch {
      return RunCommand.answer(error, program)
    }
    do throws(MaasError) {
      try command.run()
      return 0
    } catch {
      Terminal.complain(error.message)
      return 1
    }
  }
}
