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
    let mistake = joined(lines, " ")
    Terminal.complain("\(mistake)\(reason(mistake)) (see '\(help)')", program)
    return 2
  }
}

/// Of numbers ArgumentParser says that they are invalid, not why.
private func reason(_ mistake: String) -> String {
  let quoted = mistake.split(separator: "'", omittingEmptySubsequences: false)
  guard quoted.count == 5, quoted[0] == "The value ", quoted[2] == " is invalid for ", quoted[4].isEmpty
  else {
    return ""
  }
  let found = quoted[1]
  if Double(found) == nil { return ": it must be a number" }
  if !found.drop(while: { $0 == "-" }).utf8.allSatisfy({ 48...57 ~= $0 }) {
    return ": it must be a whole number"
  }
  return found.hasPrefix("-") ? ": it must not be below 0" : ": it is too large"
}
