/// The words of a command line, a number below 0 joined to the option before it: `--epochs=-1`. ArgumentParser would
/// take it for an option of its own, and miss a value.
package func withNegativeNumbersJoined(_ arguments: [String]) -> [String] {
  var words: [String] = []
  for word in arguments {
    if let option = words.last, option.hasPrefix("--"), !words.contains("--"), isNegativeNumber(word) {
      words[words.count - 1] = "\(option)=\(word)"
    } else {
      words.append(word)
    }
  }
  return words
}

/// Also of `-1%` and `-1,2`.
private func isNegativeNumber(_ word: String) -> Bool {
  guard word.hasPrefix("-") else { return false }
  return word.dropFirst().first?.isNumber == true || Double(word) != nil
}
