import MaasCore
import MaasGraph

/// Y = alpha A' B' + beta C, where A' and B' may be transposed and C is broadcast.
///
/// A rewrite may add an activation, and com.microsoft's FusedGemm has one; that needs float.
package final class Gemm: ReadableOperator {
  package let name = "Gemm"
  let alpha: Float
  let beta: Float
  package let transA: Bool
  let transB: Bool
  let activation: Activation

  package convenience init(_ reader: inout AttributeReader) throws(MaasError) {
    try self.init(&reader, .none)
  }

  package init(_ reader: inout AttributeReader, _ activation: Activation) throws(MaasError) {
    alpha = try reader.float("alpha") ?? 1
    beta = try reader.float("beta") ?? 1
    transA = try reader.int("transA") ?? 0 != 0
    transB = try reader.int("transB") ?? 0 != 0
    self.activation = activation
    // Before opset 7 it had to be said that C is broadcast.
    reader.ignore("broadcast")
    try reader.finish()
  }

  init(alpha: Float, transA: Bool, transB: Bool) {
    (self.alpha, self.transA, self.transB) = (alpha, transA, transB)
    (beta, activation) = (1, .none)
  }

  private init(_ gemm: Gemm, _ activation: Activation) {
    (alpha, beta, transA, transB) = (gemm.alpha, gemm.beta, gemm.transA, gemm.transB)
    self.activation = activation
  }

  /// Whether it is A B + C.
  package var isPlain: Bool { alpha == 1 && beta == 1 && !transA && !transB && activation.isNone }

  /// The dimension of B that the columns of the result are; nil where it is more than A B + C.
  package var columnAxis: Int? { alpha == 1 && beta == 1 && activation.isNone ? (transB ? 0 : 1) : nil }

  /// The same operator with `activation` behind it; nil where there is one already.
  package func adding(_ activation: Activation) -> Gemm? {
    self.activation.isNone ? Gemm(self, activation) : nil
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    try node.expectDType(
      0, activation.isNone ? DType.floats + [.int32, .int64, .uint32, .uint64] : DType.upToFloat)
    for i in 0..<2 {
      try node.expectRank(i, 2)
      try node.expectSameDType(0, i)
    }
    let a = try node.shape(0) ?? node.unknownShape(rank: 2)
    let b = try node.shape(1) ?? node.unknownShape(rank: 2)
    _ = try unified(transA ? a[0] : a[1], transB ? b[1] : b[0], "the inner dimensions of A and B")
    let result = [transA ? a[1] : a[0], transB ? b[0] : b[1]]
    if node.has(2) {
      try node.expectSameDType(0, 2)
      if let c = try node.shape(2) { try checkBias(c, result) }
    }
    node.setOutput(0, try node.dtype(0), result)
  }

  private func checkBias(_ c: [Dim], _ result: [Dim]) throws(MaasError) {
    guard try broadcasts(c, into: result) else {
      throw MaasError(
        .shapeMismatch, "C does not broadcast to the result", expected: Shape(result).text,
        found: Shape(c).text)
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try node.input(1), try node.output())
    var product = MatrixProduct(m: y.shape[0], n: y.shape[1], k: a.shape[transA ? 0 : 1])
    if transA { (product.aRow, product.aColumn) = (1, product.m) }
    if transB { (product.bRow, product.bColumn) = (1, product.k) }
    (product.alpha, product.beta, product.activation) = (alpha, beta, activation)
    let c = beta == 0 ? nil : node.optionalInput(2)
    if let c {
      let strides = broadcastStrides(c.shape, to: y.shape)
      (product.cRow, product.cColumn) = (strides[0], strides[1])
    }
    if a.dtype != .float, !a.dtype.isNarrowFloat { return try node.emitPlainProduct(product, a, b, c, y) }
    var bias: Operand?
    if let c { bias = try node.widened(c) }
    let target = try node.widenedTarget(y)
    let (left, right) = (try node.widened(a), try node.rightFactor(1))
    try node.emitProduct(product, left, right, bias, nil, target)
    node.narrow(target, into: y)
  }
}
