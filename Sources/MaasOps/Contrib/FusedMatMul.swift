import MaasCore
import MaasGraph

/// com.microsoft's FusedMatMul: Y = alpha A B, where the last two dimensions of A and B may be exchanged, and their first
/// dimension may belong behind the batch.
package final class FusedMatMul: ReadableOperator {
  package let name = "FusedMatMul"
  private let alpha: Float
  private let sides: [Side]

  private struct Side {
    let isTransposed, isBatchTransposed: Bool

    init(_ reader: inout AttributeReader, _ side: String) throws(MaasError) {
      isTransposed = try reader.int("trans\(side)") ?? 0 != 0
      isBatchTransposed = try reader.int("transBatch\(side)") ?? 0 != 0
    }

    /// The order of dimensions with the first one behind the batch.
    func order(_ rank: Int) -> [Int] {
      guard isBatchTransposed, rank > 2 else { return Array(0..<rank) }
      return Array(1..<rank - 1) + [0, rank - 1]
    }

    func matrices<T>(_ shape: [T]) -> [T] {
      var result = order(shape.count).map { shape[$0] }
      if isTransposed, result.count > 1 { result.swapAt(result.count - 1, result.count - 2) }
      return result
    }
  }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    alpha = try reader.float("alpha") ?? 1
    sides = [try Side(&reader, "A"), try Side(&reader, "B")]
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.floats)
    try node.expectSameDType(0, 1)
    guard let a = try node.shape(0), let b = try node.shape(1) else {
      return node.setOutput(0, try node.dtype(0), nil)
    }
    node.setOutput(0, try node.dtype(0), try matrixProductShape(sides[0].matrices(a), sides[1].matrices(b)))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let (a, b) = (try side(&node, 0), try side(&node, 1))
    var product = try MatrixProduct(
      of: a.shape, b.shape, to: y.shape, isTransposed: sides.map { $0.isTransposed })
    product.alpha = alpha
    if a.operand.dtype == .double { return try node.emitPlainProduct(product, a.operand, b.operand, nil, y) }
    let target = try node.widenedTarget(y)
    let (left, right) = (try node.widened(a.operand), try node.widened(b.operand))
    try node.emitProduct(product, left, right, nil, nil, target)
    node.narrow(target, into: y)
  }

  /// Input `i` with its batch in front, and its shape as matrices of the product.
  private func side(_ node: inout Lowering, _ i: Int) throws(MaasError) -> (operand: Operand, shape: [Int]) {
    let (x, side) = (try node.input(i), sides[i])
    let shape = side.matrices(x.shape)
    let order = side.order(x.rank)
    if order == Array(0..<x.rank) { return (x, shape) }
    let moved = order.map { x.shape[$0] }
    let copy = try node.temporary(x.dtype, moved)
    let strides = contiguousStrides(x.shape)
    try node.emitCopy(
      x, copy, moved, xStrides: order.map { strides[$0] }, yStrides: contiguousStrides(moved))
    return (copy, shape)
  }
}
