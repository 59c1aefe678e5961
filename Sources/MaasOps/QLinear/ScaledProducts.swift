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
    try node.emitScaledProduct(
      try MatrixProduct(of: a.shape, b.shape, to: y.shape), IntegerSide(a, node.optionalInput(4)),
      IntegerSide(b, node.optionalInput(5)),
      scale: try node.scales(try node.widenedInput(2), try node.widenedInput(3)),
      bias: try node.widenedOptional(6), target)
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
    try node.emitScaledProduct(
      try MatrixProduct(of: a.shape, b.shape, to: y.shape), IntegerSide(a, zero),
      IntegerSide(b, node.optionalInput(3)), scale: try node.scales(scale, try node.input(2)),
      bias: node.optionalInput(4), y)
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
    var (a, b, y) = (try node.input(0), try node.input(3), try node.output())
    guard y.count > 0 else { return }
    if transA { a = try node.transposed(a, [1, 0]) }
    var product = MatrixProduct(m: y.shape[0], n: y.shape[1], k: a.shape[1])
    if transB { (product.bRow, product.bColumn) = (1, product.k) }
    let sums = try node.temporary(.int32, y.shape)
    try node.emitIntegerProduct(
      product, IntegerSide(a, node.optionalInput(2)), IntegerSide(b, node.optionalInput(5)), sums)
    if let c = node.optionalInput(6) { try node.emitBinary(.add, sums, c, sums) }
    var scale = try node.input(1).viewed([])
    if alpha != 1 { scale = try node.scales(try node.scalar(Double(alpha), .float), scale) }
    b = try node.input(4)
    guard let yScale = node.optionalInput(7) else {
      return try node.emitScaled(sums, try node.scales(scale, b), bias: nil, y)
    }
    try node.emitRequantize(
      try node.converted(sums, .float), scale, b.count == 1 ? try b.viewed([]) : b, try yScale.viewed([]),
      try node.input(8).viewed([]), y)
  }
}

extension Inference {
  /// Requires 8-bit integers, with one scale and zero point or, where `columns` names a dimension of the matrix, one for
  /// each column.
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

extension Lowering {
  /// The product of two scales, of which the second may be one for each column.
  @inline(never)
  mutating func scales(_ a: Operand, _ b: Operand) throws(MaasError) -> Operand {
    let shape = b.count == 1 ? [] : [b.count]
    let y = try temporary(.float, shape)
    try emitBinary(.mul, try a.viewed([]), try b.viewed(shape), y)
    return y
  }

  /// Emits y = A B scale + bias in float.
  @inline(never)
  mutating func emitScaledProduct(
    _ product: MatrixProduct, _ a: IntegerSide, _ b: IntegerSide, scale: Operand, bias: Operand?, _ y: Operand
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    let sums = try temporary(.int32, y.shape)
    try emitIntegerProduct(product, a, b, sums)
    try emitScaled(sums, scale, bias: bias, y)
  }

  /// Emits y = sums scale + bias for int32 sums.
  @inline(never)
  mutating func emitScaled(
    _ sums: Operand, _ scale: Operand, bias: Operand?, _ y: Operand
  ) throws(MaasError) {
    try emitDequantize(sums, scale, nil, y, x: y.shape, own: scale.shape)
    if let bias { try emitBinary(.add, y, bias, y) }
  }
}
