import MaasCore
import MaasGraph

/// What is made of the scores of trees.
struct TreeFinish: Sendable {
  /// What the classes of a classifier go by.
  enum Classes: Sendable {
    /// No classes: scores are the result.
    case none
    /// The largest score of those that there are.
    case largest
    /// One score speaks for the second of two classes: above one half, as a probability, or above 0.
    case half, zero
  }

  let transform: PostTransform
  let columns: Int
  let trees: Int
  let averages: Bool
  var classes = Classes.none
  /// Added to the scores: nothing, a value to the first, or one to each.
  private let base: [Double]

  init(_ transform: PostTransform, _ sums: TreeSums, base: [Double]) {
    (self.transform, columns, trees) = (transform, sums.targets, sums.trees.count)
    averages = sums.aggregate == .average
    self.base = base
  }

  /// Emits y, float or double, from `raw`, and the classes where there are any.
  func emit(_ node: inout Lowering, _ raw: Operand, _ y: Operand, _ classes: Operand? = nil) throws(MaasError)
  {
    let params = TreeFinishParams(
      transform: transform, columns: columns, divisor: averages ? Double(max(1, trees)) : 1,
      classes: self.classes, baseCount: base.count, fromDouble: raw.dtype == .double,
      toDouble: y.dtype == .double)
    let base = try node.constant(try Tensor(.double, [base.count], base))
    node.emit(
      { finishTrees(Chunk($0, $1, $2, $3)) }, [raw, base, y, classes], params, items: raw.shape[0],
      grain: grain(nanoseconds: 10 * columns), scratch: 8 * columns)
  }
}

private struct TreeFinishParams {
  let transform: PostTransform
  let columns: Int
  let divisor: Double
  let classes: TreeFinish.Classes
  let baseCount: Int
  let fromDouble, toDouble: Bool
}

/// Whether leaves said anything; see `maas_tree_aggregate`.
private func isScore(_ x: Double) -> Bool { !x.isNaN && (x != 0 || x.sign == .plus) }

/// scores, double base values, float or double scores, int64 classes or NULL.
private func finishTrees(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(TreeFinishParams.self).pointee
  let raw = FloatElements(base: chunk.output(0), isDouble: params.fromDouble)
  let y = FloatElements(base: chunk.output(2), isDouble: params.toDouble)
  let classes = chunk.address(3)?.assumingMemoryBound(to: Int64.self)
  let row = TreeRow(params: params, base: chunk.input(1), scores: chunk.row(params.columns))
  for item in chunk.begin..<chunk.end {
    let first = item * params.columns
    for j in row.scores.indices { row.scores[j] = raw[first + j] }
    let best = params.classes == .none ? row.regress() : row.classify()
    classes?[item] = Int64(best)
    for j in row.scores.indices { y[first + j] = row.scores[j] }
  }
  return StepStatus.ok
}

/// The scores of one row, which become the results in place.
private struct TreeRow {
  let params: TreeFinishParams
  let base: UnsafePointer<Double>
  let scores: UnsafeMutableBufferPointer<Double>

  private func complete() {
    for j in scores.indices {
      let score = isScore(scores[j]) ? scores[j] / params.divisor : 0
      scores[j] = j < params.baseCount ? score + base[j] : score
    }
  }

  func regress() -> Int {
    complete()
    if scores.count == 1 {
      scores[0] = params.transform.alone(scores[0])
    } else {
      params.transform.apply(scores)
    }
    return 0
  }

  /// The class.
  func classify() -> Int {
    if scores.count == 2, params.baseCount < 2 { return classifyTwo() }
    let best = params.baseCount == 0 ? bestScore() : nil
    complete()
    let result = best ?? scores.best
    if scores.count == 1 {
      scores[0] = params.transform.alone(scores[0])
    } else {
      params.transform.apply(scores)
    }
    return result
  }

  /// The class of the largest score that leaves gave.
  private func bestScore() -> Int? {
    var best: Int?
    for j in scores.indices where isScore(scores[j]) {
      if let found = best, scores[j] <= scores[found] { continue }
      best = j
    }
    return best ?? 0
  }

  /// Two classes by ONNX Runtime's rules: where leaves gave the second no score, the first's is one for it, and
  /// becomes both; what is added to scores is part of the first.
  private func classifyTwo() -> Int {
    let hasSecond = isScore(scores[1])
    if !hasSecond || isScore(scores[0]) { complete() } else { scores[0] = 0 }
    let limit = params.classes == .half ? 0.5 : 0
    let score = hasSecond ? scores[1] : scores[0]
    if hasSecond {
      let result = params.classes == .largest ? scores.best : score > limit ? 1 : 0
      params.transform.apply(scores)
      return result
    }
    (scores[0], scores[1]) = params.transform.pair(score, complements: params.classes == .half)
    return score > limit ? 1 : 0
  }
}
