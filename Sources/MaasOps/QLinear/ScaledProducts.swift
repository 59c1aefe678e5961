import CMaasKernels
import MaasCore
import MaasGraph

/// Y = A B scales + bias for 8-bit integers A and B less their zero points.
package final class MatMulIntegerToFloat: ReadableOperator {
  package let name = "MatMulIntegerToFloat"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(4...7)
    try node.expectDType(2, [.float, .float16])
    try node.expectSide(0, scale: 2, zero: 4, columns: nil)
    try node.expectSide(1, scale: 3, zero: 5, columns: 1)
    for i in [3, 6] where node.has(i) { try node.expectSameDType(2, i) }
    node.setOutput(0, try node.dtype(2), try node.productShape(0, 1))
    try node.expectColumnBias(6)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try node.input(1), try node.output())
    let target = try node.widenedTarget(y)
    let finish = IntegerFinish(
      aScale: try node.widenedInput(2), bScale: try node.widenedInput(3), bias: try node.widenedOptional(6))
    try node.emitIntegerProduct(
      try MatrixProduct(of: a.shape, b.shape, to: y.shape), IntegerSide(a, node.optionalInput(4)),
      IntegerSide(b, node.optionalInput(5)), finish, target)
    node.narrow(target, into: y)
  }
}

/// Y = A B b_scale + bias for float A, quantized first as DynamicQuantizeLinear does.
package final class DynamicQuantizeMatMul: ReadableOperator {
  package let name = "DynamicQuantizeMatMul"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...5)
    for i in [0, 2, 4] where node.has(i) { try node.expectDType(i, [.float]) }
    try node.expectSide(1, scale: 2, zero: 3, columns: 1)
    node.setOutput(0, .float, try node.productShape(0, 1))
    try node.expectColumnBias(4)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, b, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    let a = try node.temporary(.uint8, x.shape)
    let (scale, zero) = (try node.temporary(.float, []), try node.temporary(.uint8, []))
    try node.emitDynamicQuantize(x, a, scale, zero)
    let finish = IntegerFinish(aScale: scale, bScale: try node.input(2), bias: node.optionalInput(4))
    try node.emitIntegerProduct(
      try MatrixProduct(of: a.shape, b.shape, to: y.shape), IntegerSide(a, zero),
      IntegerSide(b, node.optionalInput(3)), finish, y)
  }
}

/// Y = quantized(alpha (A' B' a_scale b_scale) + C), where C is int32 of scale a_scale b_scale; without y_scale Y is
/// float.
package final class QGemm: ReadableOperator {
  package let name = "QGemm"
  private let alpha: Float
  private let transA, transB: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    alpha = try reader.float("alpha") ?? 1
    transA = try reader.int("transA") ?? 0 != 0
    transB = try reader.int("transB") ?? 0 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(6...9)
    for i in [1, 4, 7] where node.has(i) { try node.expectDType(i, [.float]) }
    for i in [0, 3] { try node.expectRank(i, 2) }
    try node.expectSide(0, scale: 1, zero: 2, columns: nil)
    try node.expectSide(3, scale: 4, zero: 5, columns: transB ? 0 : 1)
    let a = try node.shape(0) ?? node.unknownShape(rank: 2)
    let b = try node.shape(3) ?? node.unknownShape(rank: 2)
    _ = try unified(transA ? a[0] : a[1], transB ? b[1] : b[0], "the inner dimensions of A and B")
    let result = [transA ? a[1] : a[0], transB ? b[0] : b[1]]
    if node.has(6) {
      try node.expectDType(6, [.int32])
      if let c = try node.shape(6) { try checkBias(c, result) }
    }
    guard node.has(7) == node.has(8) else {
      throw MaasError(.invalidModel, "y_scale and y_zero_point come together")
    }
    if node.has(8) { try node.expectDType(8, [.uint8, .int8]) }
    for i in [7, 8] where node.has(i) { try node.expectElement(i) }
    node.setOutput(0, node.has(8) ? try node.dtype(8) : .float, result)
  }

  private func checkBias(_ c: [Dim], _ result: [Dim]) throws(MaasError) {
    if try broadcasts(c, into: result) { return }
    throw MaasError(
      .shapeMismatch, "C does not broadcast to the result", expected: Shape(result).text,
      found: Shape(c).text)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    var (a, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    if transA { a = try node.transposed(a, [1, 0]) }
    var product = MatrixProduct(m: y.shape[0], n: y.shape[1], k: a.shape[1])
    if transB { (product.bRow, product.bColumn) = (1, product.k) }
    var finish = IntegerFinish(
      aScale: try scale(&node), bScale: try node.input(4), bias: node.optionalInput(6),
      yScale: node.optionalInput(7), yZero: node.optionalInput(8))
    let (left, right) = (
      IntegerSide(a, node.optionalInput(2)), IntegerSide(try node.input(3), node.optionalInput(5))
    )
    if finish.bias == nil || finish.bias?.shape.last == y.shape[1],
      finish.bias?.count ?? y.shape[1] == y.shape[1]
    {
      return try node.emitIntegerProduct(product, left, right, finish, y)
    }
    finish.bias = nil
    try emitApart(&node, product, left, right, finish, y)
  }

  private func scale(_ node: inout Lowering) throws(MaasError) -> Operand {
    let scale = try node.input(1).viewed([])
    guard alpha != 1 else { return scale }
    let product = try node.temporary(.float, [])
    try node.emitBinary(.mul, try node.scalar(Double(alpha), .float), scale, product)
    return product
  }

  /// For a C that is not one number for each column.
  private func emitApart(
    _ node: inout Lowering, _ product: MatrixProduct, _ a: IntegerSide, _ b: IntegerSide,
    _ finish: IntegerFinish,
    _ y: Operand
  ) throws(MaasError) {
    let sums = try node.temporary(.int32, y.shape)
    try node.emitIntegerProduct(product, a, b, IntegerFinish(), sums)
    try node.emitBinary(.add, sums, try node.input(6), sums)
    guard let aScale = finish.aScale, let bScale = finish.bScale else { return }
    let right = bScale.count == 1 ? try bScale.viewed([]) : bScale
    guard let yScale = finish.yScale, let yZero = finish.yZero else {
      let scale = try node.temporary(.float, right.shape)
      try node.emitBinary(.mul, aScale, right, scale)
      return try node.emitDequantize(sums, scale, nil, y, x: y.shape, own: scale.shape)
    }
    try node.emitRequantize(
      try node.converted(sums, .float), aScale, right, try yScale.viewed([]), try yZero.viewed([]), y)
  }
}

extension Inference {
  /// Requires 8-bit integers, with one scale and zero point or, where `columns` names a dimension of the matrix, one
  /// for each column.
  @inline(never)
  func expectSide(_ x: Int, scale: Int, zero: Int, columns: Int?) throws(MaasError) {
    try expectDType(x, [.uint8, .int8])
    if has(zero) { try expectSameDType(x, zero) }
    for i in [scale, zero] where has(i) {
      guard let shape = try input(i).shape, let count = shape.count.value, count != 1 else { continue }
      var expected: Dim?
      if let columns, let matrix = try self.shape(x) { expected = matrix[at: matrix.count - 2 + columns] }
      if columns != nil, shape.rank == 1, expected?.value ?? count == count { continue }
      throw MaasError(
        .shapeMismatch, "input \(i) does not fit the matrix",
        expected: expected.map { "1 element, or \($0.text)" } ?? "1 element", found: shape.text)
    }
  }

  /// Requires that a bias has an element for each column of the output.
  @inline(never)
  func expectColumnBias(_ i: Int) throws(MaasError) {
    guard has(i) else { return }
    try expectRank(i, 1)
    guard let bias = try shape(i), let columns = outputs[0]?.shape?.dims.last else { return }
    _ = try unified(columns, bias[0], "the columns of the product and the bias")
  }
}
