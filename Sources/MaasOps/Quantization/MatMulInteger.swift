import MaasCore
import MaasGraph

/// The matrix product of 8-bit integers less their zero points, in int32.
package final class MatMulInteger: ReadableOperator {
  package let name = "MatMulInteger"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...4)
    for i in 0..<2 {
      try node.expectDType(i, [.uint8, .int8])
      if node.has(i + 2) { try node.expectSameDType(i, i + 2) }
    }
    node.setOutput(0, .int32, try node.productShape(0, 1))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b) = (try node.input(0), try node.input(1))
    try node.emitIntegerProduct(
      IntegerSide(a, node.optionalInput(2)), IntegerSide(b, node.optionalInput(3)), IntegerFinish(),
      try node.output())
  }
}

/// The matrix product of quantized tensors: saturate(round(A B (a_scale b_scale / y_scale)) + y's zero point), where
/// A and B are less their zero points.
package final class QLinearMatMul: ReadableOperator {
  package let name = "QLinearMatMul"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(8...8)
    for i in [0, 3] {
      try node.expectDType(i, [.uint8, .int8] + DType.float8s)
      try node.expectSameDType(i, i + 2)
    }
    for i in [1, 4, 6] { try node.expectDType(i, DType.floats) }
    try node.expectDType(7, [.uint8, .int8] + DType.float8s)
    node.setOutput(0, try node.dtype(7), try node.productShape(0, 3))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try node.input(3), try node.output())
    guard y.count > 0 else { return }
    let (aZero, bZero) = (try node.input(2), try node.input(5))
    let (left, right) = (IntegerSide(a, aZero), IntegerSide(b, bZero))
    let (yScale, yZero) = (try node.input(6), try node.input(7))
    if !a.dtype.isSmall, !b.dtype.isSmall, !y.dtype.isSmall, yScale.count == 1, yZero.count == 1 {
      let finish = IntegerFinish(
        aScale: try node.widenedInput(1), bScale: try node.widenedInput(4), yScale: try node.widened(yScale),
        yZero: yZero)
      return try node.emitIntegerProduct(left, right, finish, y)
    }
    let product = try node.temporary(.float, y.shape)
    if a.dtype.isSmall || b.dtype.isSmall {
      let left = try node.difference(a, aZero, [a.rank > 1 ? a.shape[a.rank - 2] : 1, 1])
      let right = try node.difference(b, bZero, [])
      let shape = try MatrixProduct(of: a.shape, b.shape, to: y.shape)
      try node.emitProduct(shape, left, right, nil, nil, product)
    } else {
      let sums = try node.temporary(.int32, y.shape)
      try node.emitIntegerProduct(left, right, IntegerFinish(), sums)
      node.emitCast(sums, product)
    }
    let scales = try node.perRow(1, rank: a.rank)
    try node.emitRequantize(
      product, scales, try node.input(4), try node.perRow(6, rank: y.rank), try node.perRow(7, rank: y.rank),
      y)
  }
}

extension Lowering {
  /// Emits the product by NumPy's rules; scales and zero points are one number, one for each row of A or column of B,
  /// or one for each of all matrices.
  fileprivate mutating func emitIntegerProduct(
    _ a: IntegerSide, _ b: IntegerSide, _ finish: IntegerFinish, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    let product = try MatrixProduct(of: a.x.shape, b.x.shape, to: y.shape)
    let rows = a.x.rank > 1 ? a.x.shape[a.x.rank - 2] : 1
    let all = product.k == 0 ? 1 : a.x.count / product.k
    for own in [a.zero, finish.aScale] { try expect(own, [1, rows, all], "rows of the first matrix") }
    for own in [b.zero, finish.bScale] {
      try expect(own, [1, product.n, product.n * product.bCount], "columns of the second matrix")
    }
    try emitIntegerProduct(product, a, b, finish, y)
  }

  private func expect(_ own: Operand?, _ counts: [Int], _ what: String) throws(MaasError) {
    guard let own, !counts.contains(own.count) else { return }
    throw MaasError(
      .shapeMismatch, "a scale or zero point does not fit the \(what)",
      expected: joined(counts.map { "\($0)" }, " or ") + " elements", found: "\(own.count)")
  }

  /// Input `i`, one number or one for each row of a matrix, such that it broadcasts to that.
  fileprivate func perRow(_ i: Int, rank: Int) throws(MaasError) -> Operand {
    let x = try input(i)
    return x.rank == 1 && x.count > 1 && rank > 1 ? try x.viewed([x.count, 1]) : x
  }

  /// x less its zero point as float; a zero point of one dimension has the shape `own`.
  fileprivate mutating func difference(_ x: Operand, _ zero: Operand, _ own: [Int]) throws(MaasError)
    -> Operand
  {
    let wide = try widened(x)
    var offset = try widened(zero)
    if offset.rank == 1, offset.count > 1, !own.isEmpty { offset = try offset.viewed(own) }
    try expect(offset, into: x)
    let y = try temporary(.float, x.shape)
    try emitBinary(.sub, wide, offset, y)
    return y
  }

  /// Emits y = saturate(round(x * (a b / c)) + zero) for float x; a, b, c and zero broadcast to its shape.
  @inline(never)
  mutating func emitRequantize(
    _ x: Operand, _ a: Operand, _ b: Operand, _ c: Operand, _ zero: Operand, _ y: Operand
  ) throws(MaasError) {
    let scale = try combined(.div, try combined(.mul, try widened(a), try widened(b)), try widened(c))
    try expect(scale, into: y)
    try expect(zero, into: y)
    let scaled = try temporary(.float, y.shape)
    try emitBinary(.mul, x, scale, scaled)
    try emitQuantize(scaled, nil, try readable(zero).viewed(zero.shape), y, x: y.shape, own: zero.shape)
  }

  private func expect(_ own: Operand, into whole: Operand) throws(MaasError) {
    if try broadcasts(own.dims, into: whole.dims) { return }
    throw MaasError(
      .shapeMismatch, "a scale or zero point does not fit",
      expected: "a shape that broadcasts to \(describe(whole.shape))",
      found: describe(own.shape))
  }

  private mutating func combined(_ row: Binary.Row, _ a: Operand, _ b: Operand) throws(MaasError) -> Operand {
    let dims = try broadcast(a.dims, b.dims)
    let y = try temporary(.float, dims.compactMap { $0.value })
    try emitBinary(row, a, b, y)
    return y
  }
}
