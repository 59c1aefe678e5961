import MaasCore
import MaasGraph

/// The matrix product with NumPy's rules: batch dimensions broadcast, a missing matrix dimension is added and removed.
///
/// A rewrite may add input 2, a bias that is added to every row, input 3, a residual of the output's shape, and an
/// activation; these need float.
package final class MatMul: ReadableOperator {
  package let name = "MatMul"
  package let activation: Activation

  package init(activation: Activation = .none) { self.activation = activation }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    activation = .none
    try reader.expectInputs(2...2)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...4)
    try node.expectDType(0, DType.floats + [.int32, .int64, .uint32, .uint64])
    try node.expectSameDType(0, 1)
    let shape = try node.productShape(0, 1)
    if let shape { try node.expectShape(3, shape) }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try node.input(1), try node.output())
    var product = try MatrixProduct(of: a.shape, b.shape, to: y.shape)
    product.activation = activation
    if a.dtype != .float, !a.dtype.isNarrowFloat { return try node.emitPlainProduct(product, a, b, nil, y) }
    let bias = try node.widenedOptional(2)
    product.cColumn = bias.map { $0.count > 1 ? 1 : 0 } ?? 0
    node.mayReuseAlone(3)
    let target = try node.widenedTarget(y)
    let (left, right) = (try node.widened(a), try node.rightFactor(1))
    try node.emitProduct(product, left, right, bias, try node.widenedOptional(3), target)
    node.narrow(target, into: y)
  }
}

extension Inference {
  /// The shape of the matrix product of two inputs; nil when a rank is unknown.
  func productShape(_ i: Int, _ j: Int) throws(MaasError) -> [Dim]? {
    guard let a = try shape(i), let b = try shape(j) else { return nil }
    return try matrixProductShape(a, b)
  }
}

/// The shape of the matrix product by NumPy's rules.
func matrixProductShape(_ a: [Dim], _ b: [Dim]) throws(MaasError) -> [Dim] {
  guard !a.isEmpty, !b.isEmpty else {
    throw MaasError(.shapeMismatch, "a factor of a matrix product has no dimension")
  }
  let inner = (a[a.count - 1], b[max(0, b.count - 2)])
  if inner.0.value != nil, inner.1.value != nil, inner.0 != inner.1 {
    throw MaasError(
      .shapeMismatch, "the inner dimensions of \(Shape(a).text) and \(Shape(b).text) differ",
      expected: inner.0.text, found: inner.1.text)
  }
  var result = try broadcast(Array(a.dropLast(2)), Array(b.dropLast(2)))
  if a.count > 1 { result.append(a[a.count - 2]) }
  if b.count > 1 { result.append(b[b.count - 1]) }
  return result
}

extension MatrixProduct {
  /// For contiguous tensors of these shapes, by NumPy's rules.
  /// The matrices of A or B may lie transposed.
  init(
    of a: [Int], _ b: [Int], to y: [Int], isTransposed: [Bool] = [false, false]
  ) throws(MaasError) {
    let aMatrix = a.count == 1 ? [1, a[0]] : a
    let bMatrix = b.count == 1 ? [b[0], 1] : b
    self.init(m: aMatrix[aMatrix.count - 2], n: bMatrix[bMatrix.count - 1], k: aMatrix[aMatrix.count - 1])
    if isTransposed[0] { (aRow, aColumn) = (1, m) }
    if isTransposed[1] { (bRow, bColumn) = (1, k) }
    let batch = y.dropLast((a.count > 1 ? 1 : 0) + (b.count > 1 ? 1 : 0))
    try setBatch(Array(aMatrix.dropLast(2)), Array(bMatrix.dropLast(2)), to: Array(batch))
  }
}
