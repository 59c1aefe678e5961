import MaasCore
import MaasGraph

/// com.microsoft's FusedMatMul: Y = alpha A B, where the last two dimensions of A and B may be exchanged, and their
/// first dimension may belong behind the batch.
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
      isBatchTransposed && rank > 2 ? Array(1..<rank - 1) + [0, rank - 1] : Array(0..<rank)
    }

    /// The order in which they make matrices of the product.
    func matrices(_ rank: Int) -> [Int] {
      var order = order(rank)
      if isTransposed, rank > 1 { order.swapAt(rank - 1, rank - 2) }
      return order
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
    let (left, right) = (sides[0].matrices(a.count).map { a[$0] }, sides[1].matrices(b.count).map { b[$0] })
    node.setOutput(0, try node.dtype(0), try matrixProductShape(left, right))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let wide = y.dtype.wide
    var (operands, shapes): ([Operand], [[Int]]) = ([], [])
    for (i, side) in sides.enumerated() {
      let x = try node.input(i)
      shapes.append(side.matrices(x.rank).map { x.shape[$0] })
      operands.append(try node.moved(try node.converted(constant: x, wide), side.order(x.rank)))
    }
    var product = try MatrixProduct(
      of: shapes[0], shapes[1], to: y.shape, isTransposed: sides.map { $0.isTransposed })
    product.alpha = alpha
    let target = try node.target(y, wide)
    if wide == .double {
      try node.emitPlainProduct(product, operands[0], operands[1], nil, target)
    } else {
      try node.emitProduct(product, operands[0], operands[1], nil, nil, target)
    }
    node.narrow(target, into: y)
  }
}

extension Lowering {
  /// The operand with its dimensions in another order.
  fileprivate mutating func moved(_ x: Operand, _ order: [Int]) throws(MaasError) -> Operand {
    if order == order.sorted() { return x }
    let shape = order.map { x.shape[$0] }
    let copy = try temporary(x.dtype, shape)
    let strides = contiguousStrides(x.shape)
    try emitCopy(x, copy, shape, xStrides: order.map { strides[$0] }, yStrides: contiguousStrides(shape))
    return copy
  }
}
