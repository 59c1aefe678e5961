import MaasCore

/// How good a model is on some data.
public struct Evaluation: Sendable {
  public internal(set) var loss = 0.0
  public internal(set) var samples = 0
  /// Where targets are classes.
  public internal(set) var classes: ClassMetrics?
  /// Where they are numbers.
  public internal(set) var numbers: NumberMetrics?

  /// The part of the samples whose class is predicted rightly.
  public var accuracy: Double? { classes?.accuracy }
}

/// How well classes are told apart.
public struct ClassMetrics: Sendable {
  /// How many samples of each class (row) were taken for which (column).
  public internal(set) var confusion: [[Int]]
  /// How many samples had so many classes with a higher score than their own.
  private var ranks: [Int]
  private var scores: [Float] = []
  private var targets: [Int] = []

  public var count: Int { confusion.count }

  init(classes: Int) {
    confusion = Array(repeating: Array(repeating: 0, count: classes), count: classes)
    ranks = Array(repeating: 0, count: classes)
  }

  /// Adds a sample with its probabilities of classes.
  mutating func add(_ probabilities: [Float], target: Int) {
    guard probabilities.count == count, target >= 0, target < count else { return }
    var best = 0
    for c in 0..<count where probabilities[c] > probabilities[best] { best = c }
    confusion[target][best] += 1
    // Of equal scores the first class goes first.
    ranks[(0..<count).count { isAhead($0, target, probabilities) }] += 1
    scores += probabilities
    targets.append(target)
  }

  private func isAhead(_ c: Int, _ target: Int, _ scores: [Float]) -> Bool {
    scores[c] > scores[target] || (scores[c] == scores[target] && c < target)
  }

  private var samples: Int { targets.count }
  public var accuracy: Double { topAccuracy(1) }

  /// The part of the samples whose class is among the k with the highest scores.
  public func topAccuracy(_ k: Int) -> Double {
    Double(ranks.prefix(max(0, k)).reduce(0, +)) / Double(max(1, samples))
  }

  /// Of what was taken for the class, the part that is of it; 0 where nothing was.
  public func precision(_ c: Int) -> Double { part(confusion[c][c], of: confusion.reduce(0) { $0 + $1[c] }) }
  /// Of what is of the class, the part that was taken for it.
  public func recall(_ c: Int) -> Double { part(confusion[c][c], of: confusion[c].reduce(0, +)) }

  /// The harmonic mean of precision and recall.
  public func f1(_ c: Int) -> Double {
    part(2 * confusion[c][c], of: confusion.reduce(0) { $0 + $1[c] } + confusion[c].reduce(0, +))
  }

  /// Means over classes.
  public var macroPrecision: Double { mean(precision) }
  public var macroRecall: Double { mean(recall) }
  public var macroF1: Double { mean(f1) }

  /// The probability that a sample of the class has a higher score for it than one of another class; nil where there
  /// are none of either.
  public func rocAUC(_ c: Int) -> Double? {
    let order = targets.indices.sorted { scores[$0 * count + c] < scores[$1 * count + c] }
    let positives = targets.count { $0 == c }
    guard positives > 0, positives < samples else { return nil }
    // Equal scores share the mean of their ranks.
    var (ranks, first) = (0.0, 0)
    while first < order.count {
      var end = first
      while end < order.count, scores[order[end] * count + c] == scores[order[first] * count + c] { end += 1 }
      let own = order[first..<end].count { targets[$0] == c }
      ranks += Double(own) * Double(first + 1 + end) / 2
      first = end
    }
    let (p, n) = (Double(positives), Double(samples - positives))
    return (ranks - p * (p + 1) / 2) / (p * n)
  }

  /// Of two classes that of the second, else the mean of all against the rest; nil where some class has no samples.
  public var rocAUC: Double? {
    if count == 2 { return rocAUC(1) }
    var sum = 0.0
    for c in 0..<count {
      guard let own = rocAUC(c) else { return nil }
      sum += own
    }
    return sum / Double(count)
  }

  private func part(_ a: Int, of b: Int) -> Double { b == 0 ? 0 : Double(a) / Double(b) }
  private func mean(_ metric: (Int) -> Double) -> Double {
    (0..<count).reduce(0) { $0 + metric($1) } / Double(max(1, count))
  }
}

/// How near numbers come.
public struct NumberMetrics: Sendable {
  /// Of each output.
  private var squares, magnitudes, sums, squaredTargets: [Double]
  /// Targets are looked at from the first one on, so that their variance keeps its digits.
  private var origin: [Double] = []
  private var samples = 0

  init(outputs: Int) {
    squares = Array(repeating: 0, count: outputs)
    (magnitudes, sums, squaredTargets) = (squares, squares, squares)
  }

  mutating func add(_ predictions: [Float], targets: [Float]) {
    if samples == 0 { origin = targets.map { Double($0) } }
    samples += 1
    for i in squares.indices {
      let difference = Double(predictions[i]) - Double(targets[i])
      let target = Double(targets[i]) - origin[i]
      squares[i] += difference * difference
      magnitudes[i] += difference.magnitude
      sums[i] += target
      squaredTargets[i] += target * target
    }
  }

  /// The mean squared error.
  public var mse: Double { mean(squares) }
  /// The mean absolute error.
  public var mae: Double { mean(magnitudes) }
  public var rmse: Double { mse.squareRoot() }

  /// The part of the targets' variance that is explained, a mean over outputs; of a constant output 1 where it is met,
  /// else 0.
  public var r2: Double {
    var sum = 0.0
    for i in squares.indices {
      let variance = squaredTargets[i] - sums[i] * sums[i] / Double(max(1, samples))
      sum += variance > 0 ? 1 - squares[i] / variance : squares[i] == 0 ? 1 : 0
    }
    return sum / Double(max(1, squares.count))
  }

  private func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(max(1, samples * values.count))
  }
}
