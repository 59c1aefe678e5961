import MaasCore
import MaasGraph

/// One against one: every pair of classes votes, or gives probabilities that are coupled. Without support vectors the
/// scores are linear, one of each class.
package final class SVMClassifier: ReadableOperator {
  package let name = "SVMClassifier"
  private let labels: ClassLabels
  private let kernel: SVMKernel
  private let perClass: [Int]
  private let probabilities: (a: [Float], b: [Float])
  private let transform: PostTransform
  private var supports: Int { perClass.reduce(0, +) }
  private var pairs: Int { labels.count * (labels.count - 1) / 2 }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    labels = try ClassLabels(&reader, integers: "classlabels_ints")
    perClass = try reader.ints("vectors_per_class") ?? []
    let supports = try counted(perClass)
    kernel = try SVMKernel(&reader, count: supports, outputs: labels.count)
    probabilities = (try reader.floats("prob_a") ?? [], try reader.floats("prob_b") ?? [])
    transform = try reader.choice("post_transform", PostTransform.names)
    try reader.finish()
    guard labels.count <= 1 << 11 else {
      throw MaasError(.limitExceeded, "there are too many classes", found: "\(labels.count)")
    }
    if supports > 0 { try check(supports) }
  }

  private func check(_ supports: Int) throws(MaasError) {
    try expectCount("vectors_per_class", perClass.count, labels.count)
    try expectCount("coefficients", kernel.coefficients.count, (labels.count - 1) * supports)
    try expectCount("rho", kernel.rho.count, max(1, pairs))
    try expectCount("prob_b", probabilities.b.count, probabilities.a.count)
    if !probabilities.a.isEmpty { try expectCount("prob_a", probabilities.a.count, pairs) }
  }

  /// Scores of classes, or of pairs of them.
  private var scores: Int {
    supports == 0 || !probabilities.a.isEmpty || labels.count < 3 ? labels.count : pairs
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    node.setClasses(labels, try node.rows(features: kernel.vectors.features), scores: scores)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (rows, _) = try node.featureRows()
    let z = try node.scores(rows, scores)
    let classes = try node.temporary(.int64, [rows])
    if supports == 0 {
      try emitLinear(&node, z, classes)
    } else {
      try emitPairs(&node, rows, z, classes)
    }
    try node.emitLabels(labels, classes)
  }

  private func emitLinear(_ node: inout Lowering, _ z: Operand, _ classes: Operand) throws(MaasError) {
    let params = LinearChoice(
      columns: labels.count, transform: transform, isPositive: kernel.coefficients.allSatisfy { $0 >= 0 },
      isDecided: !probabilities.a.isEmpty)
    try kernel.emit(&node, z)
    node.emit(
      { chooseLinear(Chunk($0, $1, $2, $3)) }, [z, classes], params, items: z.shape[0],
      grain: grain(nanoseconds: 10 * labels.count), scratch: 8 * labels.count)
  }

  private func emitPairs(_ node: inout Lowering, _ rows: Int, _ z: Operand, _ classes: Operand)
    throws(MaasError)
  {
    let supports = supports
    let values = try node.temporary(.float, [rows, supports])
    try kernel.emit(&node, values)
    let params = SVMPairParams(
      classes: labels.count, supports: supports, pairs: pairs, scores: scores,
      hasProbabilities: !probabilities.a.isEmpty, transform: transform)
    let starts = perClass.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
    let operands: [Operand?] = [
      values, try node.floats(kernel.coefficients), try node.floats(kernel.rho),
      try node.constant(try Tensor(.int64, [starts.count], starts)), try node.floats(probabilities.a),
      try node.floats(probabilities.b), z, classes,
    ]
    node.emit(
      { runPairs(Chunk($0, $1, $2, $3)) }, operands, params, items: rows,
      grain: grain(nanoseconds: 2 * supports * labels.count + 100 * pairs), scratch: params.scratch)
  }
}

extension Lowering {
  fileprivate mutating func floats(_ values: [Float]) throws(MaasError) -> Operand {
    try constant(try Tensor(.float, [values.count], values))
  }
}

/// How many support vectors classes have together.
private func counted(_ perClass: [Int]) throws(MaasError) -> Int {
  var total = 0
  for count in perClass {
    guard count >= 0, count <= maximumClasses else {
      throw MaasError(
        .invalidModel, "attribute 'vectors_per_class' has a value out of range",
        expected: "0..\(maximumClasses)", found: "\(count)")
    }
    total += count
    if total > maximumClasses { throw MaasError(.limitExceeded, "there are too many support vectors") }
  }
  return total
}

private struct LinearChoice {
  let columns: Int
  let transform: PostTransform
  /// Whether no coefficient is negative.
  let isPositive: Bool
  /// Whether the largest score alone decides between two classes.
  let isDecided: Bool

  /// ONNX Runtime's rule: of two classes it is the second where the larger score is far enough above 0.
  func choose(_ row: UnsafeMutableBufferPointer<Double>) -> Int {
    let best = row.best
    guard columns == 2, !isDecided else { return best }
    return isPositive ? (row[best] >= 0.5 ? 1 : best) : (row[best] > 0 ? 1 : best)
  }
}

/// float scores, transformed in place, int64 classes.
private func chooseLinear(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(LinearChoice.self).pointee
  let (z, classes) = (chunk.output(0, as: Float.self), chunk.output(1, as: Int64.self))
  let row = chunk.row(params.columns)
  for item in chunk.begin..<chunk.end {
    let first = item * params.columns
    for j in row.indices { row[j] = Double(z[first + j]) }
    classes[item] = Int64(params.choose(row))
    params.transform.apply(row)
    for j in row.indices { z[first + j] = Float(row[j]) }
  }
  return StepStatus.ok
}
