import MaasCore
import MaasData

extension Answers {
  /// A line for each sample with what is true, what is answered, and the probabilities of classes.
  func table(_ part: Dataset.Part) -> String {
    let targets = part.source.targets
    var lines = [line(["sample"] + heads(targets))]
    let width = values.shape[1]
    let numbers = values.elements(as: Float.self)
    for (row, sample) in part.samples.enumerated() {
      let own = Array(numbers[row * width..<(row + 1) * width])
      lines.append(line([part.source.name(sample)] + fields(targets, sample, own)))
    }
    return joined(lines, "\n") + "\n"
  }

  private func heads(_ targets: Targets) -> [String] {
    switch targets {
    case .classes(_, let names): return ["truth", "answer"] + names
    case .numbers:
      let ends = targets.width == 1 ? [""] : (1...targets.width).map { " \($0)" }
      return ends.map { "truth\($0)" } + ends.map { "answer\($0)" }
    }
  }

  private func fields(_ targets: Targets, _ sample: Int, _ answer: [Float]) -> [String] {
    switch targets {
    case .classes(let classes, let names):
      let most = answer.indices.max { (answer[$0], $1) < (answer[$1], $0) } ?? 0
      return [names[classes[sample]], names[most]] + answer.map { "\($0)" }
    case .numbers(let truths):
      let floats = truths.bytes.assumingMemoryBound(to: Float.self)
      let own = (0..<targets.width).map { floats[sample * targets.width + $0] }
      return (own + answer).map { "\($0)" }
    }
  }

  private func line(_ fields: [String]) -> String { joined(fields.map(csvField), ",") }
}

/// In quotes where it must be, as RFC 4180 has it.
private func csvField(_ text: String) -> String {
  let needsQuotes = text.utf8.contains { [10, 13, 34, 44].contains($0) }
  return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
}
