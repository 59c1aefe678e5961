import CMaasSystem
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits the product of elements that are not float; there is no activation and no residual then.
  mutating func emitPlainProduct(
    _ product: MatrixProduct, _ a: Operand, _ b: Operand, _ c: Operand?, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    #if !hasFeature(Embedded)
      if y.dtype == .double { return emitDoubleProduct(product, a, b, c, y) }
    #endif
    let batch = try Walk(product.batch, strides: [product.aBatch, product.bBatch, product.yBatch])
    let params = PlainProductParams(
      m: product.m, n: product.n, k: product.k, aRow: product.aRow, aColumn: product.aColumn,
      bRow: product.bRow, bColumn: product.bColumn, cRow: product.cRow, cColumn: product.cColumn,
      alpha: product.alpha, beta: product.beta, batch: WalkParams(batch))
    emit(
      { dispatch(PlainProductKernel.self, Chunk($0, $1, $2, $3)) }, [a, b, c, y], params, dtype: y.dtype,
      items: y.count / product.n, grain: grain(nanoseconds: 1 + product.k * product.n))
  }
}

private struct PlainProductParams {
  let m, n, k: Int
  let aRow, aColumn, bRow, bColumn, cRow, cColumn: Int
  let alpha, beta: Float
  let batch: WalkParams
}

/// a, b, c or NULL, y. Items are rows of all matrices of y.
private enum PlainProductKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(PlainProductParams.self)
    let (a, b) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self))
    let (m, n, k) = (p.pointee.m, p.pointee.n, p.pointee.k)
    for item in chunk.begin..<chunk.end {
      let i = item % m
      p.pointee.batch.forEachRow(item / m, item / m + 1) { _, aMatrix, bMatrix, _, _ in
        let y = chunk.output(3, as: T.self) + item * n
        multiply(p, a + (aMatrix * m * k + i * p.pointee.aRow), b + bMatrix * k * n, y)
      }
      add(p, chunk.optional(2, as: T.self), i, chunk.output(3, as: T.self) + item * n)
    }
    return StepStatus.ok
  }

  private static func multiply<T: Number>(
    _ p: UnsafePointer<PlainProductParams>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>,
    _ y: UnsafeMutablePointer<T>
  ) {
    for j in 0..<p.pointee.n { y[j] = .zero }
    for l in 0..<p.pointee.k {
      let (factor, row) = (a[l * p.pointee.aColumn], b + l * p.pointee.bRow)
      for j in 0..<p.pointee.n { y[j] = T.sum(y[j], T.product(factor, row[j * p.pointee.bColumn])) }
    }
  }

  /// y = alpha y + beta c for row `i`.
  private static func add<T: Number>(
    _ p: UnsafePointer<PlainProductParams>, _ c: UnsafePointer<T>?, _ i: Int, _ y: UnsafeMutablePointer<T>
  ) {
    let (alpha, beta) = (T(truncating: Double(p.pointee.alpha)), T(truncating: Double(p.pointee.beta)))
    for j in 0..<p.pointee.n {
      let own = T.product(alpha, y[j])
      guard let c else {
        y[j] = own
        continue
      }
      y[j] = T.sum(own, T.product(beta, c[i * p.pointee.cRow + j * p.pointee.cColumn]))
    }
  }
}
