import ArgumentParser
import MaasCore

extension ParsableArguments {
  /// Prints what arguments ask for that are not to be run: help, the version, or in one line what is wrong with them.
  /// Gives the exit status.
  package static func answer(_ error: any Error, _ program: String) -> Int32 {
    let text = fullMessage(for: error)
    if exitCode(for: error) == .success {
      do throws(MaasError) {
        try Terminal.print(text + "\n")
        return 0
      } catch {
        Terminal.complain(error.message, program)
        return 1
      }
    }
    let lines = message(for: error).split(separator: "\n").map(String.init)
    // A command of several says how its own help is asked for.
    let help = text.split(separator: "'").last { $0.hasSuffix(" --help") } ?? "\(program) --help"
    Terminal.complain(joined(lines, " ") + " (see '\(help)')", program)
    return 2
  }
}
