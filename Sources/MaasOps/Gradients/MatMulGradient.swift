import CMaasKernels
import MaasCore
import MaasGraph

/// dA = dY Bᵀ or dB = Aᵀ dY of Y = A B with NumPy's rules, added up over broadcast batch dimensions.
///
/// Inputs: dY, the other factor, and the factor whose gradient this is, for its shape.
final class MatMulGradient: Operator {
  enum Side { case a, b }

  let name = "MatMulGradient"
  private let side: Side

  init(_ side: Side) { self.side = side }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(0), try node.shape(2))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, other, dx) = (try node.input(0), try node.input(1), try node.output())
    let shapes = Shapes(side, dy, other, dx)
    let batch = Array(shapes.dy.dropLast(2))
    let full = try node.target(dx, shape: batch + shapes.dx.suffix(2))
    let product = try shapes.product(side, batch)
    let operands =
      side == .a ? (try node.input(0), try node.input(1)) : (try node.input(1), try node.input(0))
    try node.emitEitherProduct(product, operands.0, operands.1, full)
    if full.buffer == dx.buffer { return }
    try node.emitSum(full, to: shapes.dx, dx)
  }

  func gradient(_ node: inout Backward) throws(MaasError) {
    let (dy, other, g) = (try node.input(0), try node.input(1), try node.gradient())
    let product: [ValueID?] = side == .a ? [g, other] : [other, g]
    if node.wants(0) { try node.contribute(node.add(MatMul(), product), to: 0) }
    if node.wants(1) {
      try node.contribute(node.add(MatMulGradient(side == .a ? .b : .a), [dy, g, other]), to: 1)
    }
  }

  /// The shapes of the matrices, vectors with the dimension of 1 that the product gives them.
  private struct Shapes {
    let dy: [Int]
    let other: [Int]
    let dx: [Int]

    init(_ side: Side, _ dy: Operand, _ other: Operand, _ dx: Operand) {
      let (a, b) = side == .a ? (dx.shape, other.shape) : (other.shape, dx.shape)
      var y = dy.shape
      if b.count == 1 { y.append(1) }
      if a.count == 1 { y.insert(1, at: y.count - 1) }
      self.dy = y
      let matrices = (a.count == 1 ? [1] + a : a, b.count == 1 ? b + [1] : b)
      (self.dx, self.other) = side == .a ? matrices : (matrices.1, matrices.0)
    }

    /// With the transposed factor read through strides.
    func product(_ side: Side, _ batch: [Int]) throws(MaasError) -> MatrixProduct {
      let (rows, columns) = (dx[dx.count - 2], dx[dx.count - 1])
      let inner = dy[dy.count - (side == .a ? 1 : 2)]
      var product = MatrixProduct(m: rows, n: columns, k: inner)
      if side == .a {
        (product.bRow, product.bColumn) = (1, inner)
        try product.setBatch(Array(dy.dropLast(2)), Array(other.dropLast(2)), to: batch)
      } else {
        (product.aRow, product.aColumn) = (1, rows)
        try product.setBatch(Array(other.dropLast(2)), Array(dy.dropLast(2)), to: batch)
      }
      return product
    }
  }
}

extension Lowering {
  /// The output itself where it has as many elements as `shape`, else a temporary of that shape.
  fileprivate mutating func target(_ y: Operand, shape: [Int]) throws(MaasError) -> Operand {
    elementCount(shape) == y.count ? try Operand(y.buffer, y.dtype, shape) : try temporary(y.dtype, shape)
  }

  fileprivate mutating func emitEitherProduct(
    _ product: MatrixProduct, _ a: Operand, _ b: Operand, _ y: Operand
  ) throws(MaasError) {
    if a.dtype != .float, !a.dtype.isNarrowFloat { return try emitPlainProduct(product, a, b, nil, y) }
    let target = try widenedTarget(y)
    try emitProduct(product, try widened(a), try widened(b), nil, nil, target)
    narrow(target, into: y)
  }

  /// Adds x up over leading dimensions that `shape` lacks and those where it has 1.
  mutating func emitSum(_ x: Operand, to shape: [Int], _ y: Operand) throws(MaasError) {
    let leading = x.rank - shape.count
    let axes = x.shape.indices.filter { $0 < leading || (shape[$0 - leading] == 1 && x.shape[$0] != 1) }
    try emitReduce(MAAS_REDUCE_SUM, x, y, axes)
  }
}
