import MaasCore
import MaasGraph

/// What quantization does to the outputs of a model, over all samples.
struct OutputError {
  private(set) var outputs: [SignalError]
  private(set) var samples = 0
  /// Right answers, where labels say what is right: of the model as it was, and now.
  private(set) var right: (before: Int, after: Int) = (0, 0)
  private(set) var answers = 0

  init(outputs count: Int) { outputs = [SignalError](repeating: SignalError(), count: count) }

  /// Of the output that suffers most.
  var worst: SignalError { outputs.max { $0.relative < $1.relative } ?? SignalError() }

  var accuracy: (before: Double, after: Double)? {
    answers == 0 ? nil : (Double(right.before) / Double(answers), Double(right.after) / Double(answers))
  }

  mutating func add(_ before: [Tensor], _ after: [Tensor], _ labels: [Int]?) throws(MaasError) {
    samples += 1
    for i in outputs.indices { outputs[i].add(before[i], after[i]) }
    guard let labels, let first = before.first, let last = after.first else { return }
    try count(first.classes, last.classes, labels)
  }

  private mutating func count(_ before: [Int], _ after: [Int], _ labels: [Int]) throws(MaasError) {
    for (b, a) in zip(before, after) {
      guard answers < labels.count else {
        throw MaasError(
          .invalidArgument, "there are fewer labels than samples", found: "\(labels.count) labels")
      }
      right.before += b == labels[answers] ? 1 : 0
      right.after += a == labels[answers] ? 1 : 0
      answers += 1
    }
  }

  func check(_ labels: [Int]?) throws(MaasError) {
    guard let labels, answers != labels.count else { return }
    throw MaasError(
      .invalidArgument, "there are more labels than samples", expected: "\(answers)", found: "\(labels.count)"
    )
  }
}

extension SignalError {
  fileprivate mutating func add(_ before: Tensor, _ after: Tensor) {
    guard before.dtype == .float, after.count == before.count else { return }
    var (signal, error) = (0.0, 0.0)
    for i in 0..<before.count {
      let (value, lost) = (Double(before.floats[i]), Double(before.floats[i] - after.floats[i]))
      signal += value * value
      error += lost * lost
    }
    add(signal, error)
  }
}

extension Tensor {
  /// For each row of scores the place of the largest.
  fileprivate var classes: [Int] {
    guard dtype == .float, let width = shape.last, width > 0 else { return [] }
    return (0..<count / width).map { row in
      let scores = floats + row * width
      var best = 0
      for i in 0..<width where scores[i] > scores[best] { best = i }
      return best
    }
  }
}
