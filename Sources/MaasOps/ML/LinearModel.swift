import MaasCore
import MaasGraph

/// Scores X C' + b of rows of features.
struct LinearScores: Sendable {
  /// [outputs, features]
  let coefficients: Tensor
  let intercepts: Tensor
  var outputs: Int { coefficients.shape[0] }
  var features: Int { coefficients.shape[1] }

  /// `name` is the attribute that the coefficients come from.
  init(_ coefficients: [Float], _ name: String = "coefficients", outputs: Int, _ intercepts: [Float])
    throws(MaasError)
  {
    let features = try divided(name, coefficients.count, by: outputs)
    self.coefficients = try Tensor(.float, [outputs, features], coefficients)
    self.intercepts = try Tensor(.float, [intercepts.count], intercepts)
  }

  /// Emits y [rows, outputs] from input 0, whose elements are of any type.
  func emit(_ node: inout Lowering, _ y: Operand, alpha: Float = 1) throws(MaasError) {
    try emitProduct(&node, try node.widenedInput(0), y, alpha: alpha)
  }

  /// Emits y [rows, outputs] from floats x [rows, features].
  func emitProduct(_ node: inout Lowering, _ x: Operand, _ y: Operand, alpha: Float = 1) throws(MaasError) {
    var product = MatrixProduct(m: y.shape[0], n: outputs, k: features)
    (product.bRow, product.bColumn) = (1, features)
    (product.alpha, product.cColumn) = (alpha, intercepts.count > 1 ? 1 : 0)
    let bias = intercepts.count == 0 ? nil : try node.constant(intercepts)
    try node.emitProduct(product, x, try node.constant(coefficients), bias, nil, y)
  }
}

/// Y = post_transform(X C' + b). A single target stays as it is, unless PROBIT changes it.
package final class LinearRegressor: ReadableOperator {
  package let name = "LinearRegressor"
  private let scores: LinearScores
  private let transform: PostTransform

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let targets = try reader.int("targets", default: 1, 1...maximumClasses)
    let intercepts = try reader.floats("intercepts") ?? []
    if !intercepts.isEmpty { try expectCount("intercepts", intercepts.count, targets) }
    scores = try LinearScores(try reader.floats("coefficients") ?? [], outputs: targets, intercepts)
    transform = try reader.choice("post_transform", PostTransform.names)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, .float, [try node.rows(features: scores.features), .known(scores.outputs)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    try scores.emit(&node, y)
    guard transform != .none, transform == .probit || scores.outputs > 1 else { return }
    let params = TransformParams(columns: scores.outputs, transform: transform)
    node.emit(
      { transformRows(Chunk($0, $1, $2, $3)) }, [y], params, items: y.shape[0],
      grain: grain(nanoseconds: 10 * params.columns), scratch: 8 * params.columns)
  }
}

/// More than any classifier has: what is allocated for a row of scores stays small.
let maximumClasses = 1 << 24

struct TransformParams {
  let columns: Int
  let transform: PostTransform
}

/// float scores, in place.
func transformRows(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(TransformParams.self).pointee
  let (x, row) = (chunk.output(0, as: Float.self), chunk.row(params.columns))
  for item in chunk.begin..<chunk.end {
    let y = x + item * params.columns
    for j in row.indices { row[j] = Double(y[j]) }
    params.transform.apply(row)
    for j in row.indices { y[j] = Float(row[j]) }
  }
  return StepStatus.ok
}

/// The class of the largest score. One score for two classes tells the second where it is positive, and becomes a
/// probability and its complement, as ONNX Runtime has it.
package final class LinearClassifier: ReadableOperator {
  package let name = "LinearClassifier"
  private let labels: ClassLabels
  private let scores: LinearScores
  private let transform: PostTransform

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    labels = try ClassLabels(&reader, integers: "classlabels_ints")
    let intercepts = try reader.floats("intercepts") ?? []
    let outputs = intercepts.isEmpty ? labels.count : intercepts.count
    if outputs != 1 || labels.count != 2 { try expectCount("intercepts", outputs, labels.count) }
    scores = try LinearScores(try reader.floats("coefficients") ?? [], outputs: outputs, intercepts)
    transform = try reader.choice("post_transform", PostTransform.names)
    // How the scores were trained.
    reader.ignore("multi_class")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    node.setClasses(labels, try node.rows(features: scores.features), scores: labels.count)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (rows, _) = try node.featureRows()
    let z = try node.scores(rows, labels.count)
    let raw = scores.outputs == labels.count ? z : try node.temporary(.float, [rows, scores.outputs])
    try scores.emit(&node, raw)
    let classes = try node.temporary(.int64, [rows])
    let params = TransformParams(columns: labels.count, transform: transform)
    if scores.outputs == labels.count {
      node.emit(
        { classifyRows(Chunk($0, $1, $2, $3)) }, [raw, classes, z], params, items: rows,
        grain: grain(nanoseconds: 10 * params.columns), scratch: 8 * params.columns)
    } else {
      node.emit(
        { classifyMargins(Chunk($0, $1, $2, $3)) }, [raw, classes, z], params, items: rows,
        grain: grain(nanoseconds: 10))
    }
    try node.emitLabels(labels, classes)
  }
}

/// float scores, int64 classes, float scores transformed, in place too.
private func classifyRows(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(TransformParams.self).pointee
  let (x, classes, z) = (
    chunk.input(0, as: Float.self), chunk.output(1, as: Int64.self), chunk.output(2, as: Float.self)
  )
  let row = chunk.row(params.columns)
  for item in chunk.begin..<chunk.end {
    let first = item * params.columns
    for j in row.indices { row[j] = Double(x[first + j]) }
    classes[item] = Int64(row.best)
    params.transform.apply(row)
    for j in row.indices { z[first + j] = Float(row[j]) }
  }
  return StepStatus.ok
}

/// A float score a row, int64 classes, float scores of both classes.
private func classifyMargins(_ chunk: Chunk) -> Int32 {
  let transform = chunk.params(TransformParams.self).pointee.transform
  let (x, classes, z) = (
    chunk.input(0, as: Float.self), chunk.output(1, as: Int64.self), chunk.output(2, as: Float.self)
  )
  for item in chunk.begin..<chunk.end {
    classes[item] = x[item] > 0 ? 1 : 0
    let (first, second) = transform.pair(Double(x[item]), complements: true)
    (z[2 * item], z[2 * item + 1]) = (Float(first), Float(second))
  }
  return StepStatus.ok
}
