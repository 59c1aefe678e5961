import MaasCore

struct SVMPairParams {
  let classes, supports, pairs, scores: Int
  let hasProbabilities: Bool
  let transform: PostTransform

  /// Votes, decisions, scores, and for the coupling of probabilities two matrices and a vector.
  var scratch: Int { 8 * (classes + pairs + scores + 2 * square + classes) }
  var square: Int { hasProbabilities ? classes * classes : 0 }
}

/// Kernel values [rows, supports], coefficients [classes - 1, supports], rho, int64 starts [classes + 1], prob_a,
/// prob_b, float scores, int64 classes.
func runPairs(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(SVMPairParams.self).pointee
  let row = SVMRow(chunk, params)
  for item in chunk.begin..<chunk.end { row.run(item) }
  return StepStatus.ok
}

private struct SVMRow {
  private typealias Doubles = UnsafeMutableBufferPointer<Double>

  private let chunk: Chunk
  private let params: SVMPairParams
  private let votes, decisions, scores, ratios, quadratic, products: Doubles

  init(_ chunk: Chunk, _ params: SVMPairParams) {
    (self.chunk, self.params) = (chunk, params)
    var rest = chunk.row(params.scratch / 8)
    func take(_ count: Int) -> Doubles {
      let part = Doubles(rebasing: rest[..<count])
      rest = Doubles(rebasing: rest[count...])
      return part
    }
    (votes, decisions, scores) = (take(params.classes), take(params.pairs), take(params.scores))
    (ratios, quadratic, products) = (
      take(params.square), take(params.square), take(params.classes)
    )
  }

  private func floats(_ operand: Int) -> UnsafePointer<Float> { chunk.input(operand) }

  func run(_ item: Int) {
    decide(floats(0) + item * params.supports)
    chunk.output(7, as: Int64.self)[item] = Int64(votes.best)
    finish()
    let z = chunk.output(6, as: Float.self) + item * params.scores
    for j in scores.indices { z[j] = Float(scores[j]) }
  }

  /// The decision and the vote of every pair of classes.
  private func decide(_ kernel: UnsafePointer<Float>) {
    votes.update(repeating: 0)
    let starts = chunk.input(3, as: Int64.self)
    var pair = 0
    for i in 0..<params.classes {
      for j in i + 1..<max(i + 1, params.classes) {
        let sum =
          weighted(kernel, Int(starts[i])..<Int(starts[i + 1]), row: j - 1)
          + weighted(kernel, Int(starts[j])..<Int(starts[j + 1]), row: i) + Double(floats(2)[pair])
        decisions[pair] = sum
        votes[sum > 0 ? i : j] += 1
        pair += 1
      }
    }
  }

  private func weighted(_ kernel: UnsafePointer<Float>, _ vectors: Range<Int>, row: Int) -> Double {
    let coefficients = floats(1) + row * params.supports
    return vectors.reduce(0) { $0 + Double(coefficients[$1] * kernel[$1]) }
  }

  private func finish() {
    if params.hasProbabilities {
      couple()
    } else if params.classes == 2 {
      // ONNX Runtime's scores of two classes are margins, and probabilities where they are transformed.
      (scores[0], scores[1]) = params.transform.pair(decisions[0], complements: params.transform != .none)
      return
    } else {
      for j in scores.indices { scores[j] = params.pairs == 0 ? 1 : decisions[j] }
    }
    params.transform.apply(scores)
  }

  /// The probabilities of classes from those of pairs: the second method of Wu, Lin and Weng, "Probability estimates
  /// for multi-class classification by pairwise coupling" (2004), by the iteration and with the bounds of LIBSVM.
  private func couple() {
    setRatios()
    setQuadratic()
    let n = params.classes
    scores.update(repeating: 1 / Double(n))
    for _ in 0..<100 {
      var total = 0.0
      for i in 0..<n {
        products[i] = (0..<n).reduce(0) { $0 + quadratic[i * n + $1] * scores[$1] }
        total += scores[i] * products[i]
      }
      if products.allSatisfy({ abs($0 - total) < 0.005 / Double(n) }) { return }
      for i in 0..<n { total = move(i, total) }
    }
  }

  /// r_ij = P(i | i or j), a sigmoid of the decision.
  private func setRatios() {
    var pair = 0
    for i in 0..<params.classes {
      for j in i + 1..<max(i + 1, params.classes) {
        let x = decisions[pair] * Double(floats(4)[pair]) + Double(floats(5)[pair])
        let ratio = min(max(logisticFunction(-x), 1e-7), 1 - 1e-7)
        (ratios[i * params.classes + j], ratios[j * params.classes + i]) = (ratio, 1 - ratio)
        pair += 1
      }
    }
  }

  private func setQuadratic() {
    let n = params.classes
    for i in 0..<n {
      quadratic[i * n + i] = 0
      for j in 0..<n where j != i {
        quadratic[i * n + i] += ratios[j * n + i] * ratios[j * n + i]
        quadratic[i * n + j] = -ratios[j * n + i] * ratios[i * n + j]
      }
    }
  }

  /// One step along a class; gives the new value of p'Qp.
  private func move(_ i: Int, _ total: Double) -> Double {
    let n = params.classes
    guard quadratic[i * n + i] > 0 else { return total }
    let step = (total - products[i]) / quadratic[i * n + i]
    let scale = 1 + step
    scores[i] += step
    let next = (total + step * (step * quadratic[i * n + i] + 2 * products[i])) / scale / scale
    for j in 0..<n {
      products[j] = (products[j] + step * quadratic[i * n + j]) / scale
      scores[j] /= scale
    }
    return next
  }
}
