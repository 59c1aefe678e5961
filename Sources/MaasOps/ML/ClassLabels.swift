import MaasCore
import MaasGraph

/// The labels of a classifier's classes: strings or integers.
struct ClassLabels: Sendable {
  let tensor: Tensor
  var count: Int { tensor.count }

  init(_ reader: inout AttributeReader, integers name: String) throws(MaasError) {
    let strings = try reader.byteStrings("classlabels_strings") ?? []
    let integers = try reader.ints(name) ?? []
    guard strings.isEmpty != integers.isEmpty else {
      throw MaasError(
        .invalidModel, "the labels of the classes are not clear",
        expected: "either 'classlabels_strings' or '\(name)'", found: strings.isEmpty ? "neither" : "both")
    }
    tensor =
      strings.isEmpty
      ? try Tensor(.int64, [integers.count], integers.map { Int64($0) })
      : try Tensor([strings.count], strings: strings)
  }
}

extension DType {
  /// What most operators of ai.onnx.ml take.
  static let features: [DType] = [.float, .double, .int64, .int32]
}

extension Inference {
  /// How many rows of how many features input 0 has; nil where its rank is unknown. One dimension is one row.
  func featureRows(_ types: [DType] = DType.features) throws(MaasError) -> (rows: Dim, features: Dim)? {
    try expectInputs(1...1)
    try expectDType(0, types)
    guard let shape = try shape(0) else { return nil }
    guard shape.count == 1 || shape.count == 2 else {
      throw MaasError(
        .shapeMismatch, "input 0 has the wrong rank", expected: "1 or 2, a row of features or rows of them",
        found: Shape(shape).text)
    }
    return (shape.count == 1 ? .known(1) : shape[0], shape[shape.count - 1])
  }

  /// As `featureRows` for a model that knows how many features there are. Gives the rows.
  func rows(features: Int) throws(MaasError) -> Dim {
    guard let (rows, found) = try featureRows() else { return unknownDim() }
    _ = try unified(.known(features), found, "the features of the model and of input 0")
    return rows
  }

  /// The outputs of a classifier.
  mutating func setClasses(_ labels: ClassLabels, _ rows: Dim, scores: Int) {
    setOutput(0, labels.tensor.dtype, [rows])
    setOutput(1, .float, [rows, .known(scores)])
  }
}

extension Lowering {
  /// Rows and features of input 0, as `Inference.featureRows`.
  func featureRows() throws(MaasError) -> (rows: Int, features: Int) {
    let x = try input(0)
    return (x.rank == 1 ? 1 : x.shape[0], x.shape[x.rank - 1])
  }

  /// Where a classifier's scores go, wanted or not.
  mutating func scores(_ rows: Int, _ columns: Int) throws(MaasError) -> Operand {
    try target(1, .float, [rows, columns])
  }

  /// Gives output 0 the labels of classes.
  mutating func emitLabels(_ labels: ClassLabels, _ classes: Operand) throws(MaasError) {
    guard let y = optionalOutput(0) else { return }
    try emitGather(try constant(labels.tensor), classes, y, axis: 0)
  }
}

/// Refuses an attribute with another number of elements.
func expectCount(_ name: String, _ found: Int, _ expected: Int) throws(MaasError) {
  guard found != expected else { return }
  throw MaasError(
    .invalidModel, "attribute '\(name)' has the wrong length", expected: "\(expected)", found: "\(found)")
}

/// The quotient of an attribute's length and something else's; refused where a rest remains.
func divided(_ name: String, _ count: Int, by rows: Int) throws(MaasError) -> Int {
  if rows > 0, count > 0, count % rows == 0 { return count / rows }
  throw MaasError(
    .invalidModel, "attribute '\(name)' has the wrong length", expected: "a multiple of \(rows)",
    found: "\(count)")
}
