import CMaasKernels
import MaasCore
import MaasGraph

/// A tensor of 8-bit integers with the one scale and zero point that all of it has.
struct QuantizedTensor {
  let x: Operand
  let scale: Operand
  let zero: Operand?
}

extension Inference {
  /// Requires a quantized tensor: 8-bit integers, a scale and, if there is one, a zero point.
  @inline(never)
  func expectQuantized(_ x: Int, scale: Int, zero: Int) throws(MaasError) {
    try expectDType(x, [.uint8, .int8])
    try expectScale(scale, zero: zero, like: x)
  }

  /// Requires one scale and, if there is one, one zero point of input `x`'s type.
  @inline(never)
  func expectScale(_ scale: Int, zero: Int, like x: Int) throws(MaasError) {
    try expectDType(scale, [.float])
    try expectElement(scale)
    guard has(zero) else { return }
    try expectSameDType(x, zero)
    try expectElement(zero)
  }

  /// What another operator gives for these inputs.
  @inline(never)
  func output(of op: any Operator, _ inputs: [Fact?]) throws(MaasError) -> Fact {
    guard let fact = try outputs(of: op, inputs)[0] else {
      throw MaasError(.internal, "an operator inside another has no output")
    }
    return fact
  }
}

extension Lowering {
  @inline(never)
  func quantized(_ x: Int, scale: Int, zero: Int) throws(MaasError) -> QuantizedTensor {
    QuantizedTensor(x: try input(x), scale: try input(scale), zero: optionalInput(zero))
  }

  /// (x - zero point) * scale, or without a scale the difference.
  @inline(never)
  mutating func dequantized(_ q: QuantizedTensor, scale: Operand? = nil) throws(MaasError) -> Operand {
    let y = try temporary(.float, q.x.shape)
    try emitDequantize(q.x, scale ?? q.scale, q.zero, y, x: y.shape, own: [])
    return y
  }

  /// x, or where `order` is not nil its dimensions in that order.
  @inline(never)
  mutating func transposed(_ x: Operand, _ order: [Int]) throws(MaasError) -> Operand {
    let y = try temporary(x.dtype, order.map { x.shape[$0] })
    try emitTranspose(x, y, order)
    return y
  }

  @inline(never)
  mutating func emitTranspose(_ x: Operand, _ y: Operand, _ order: [Int]) throws(MaasError) {
    let strides = contiguousStrides(x.shape)
    try emitCopy(x, y, y.shape, xStrides: order.map { strides[$0] }, yStrides: contiguousStrides(y.shape))
  }

  /// Emits the table that takes each number of `from`'s type to saturate(round(f(dequantized) / scale) + zero).
  @inline(never)
  mutating func table(
    _ function: maas_f32_activation, _ from: QuantizedTensor, to scale: Operand, _ zero: Operand?
  ) throws(MaasError) -> Operand {
    let table = try temporary(from.x.dtype, [256])
    emit(
      { fillTable(Chunk($0, $1, $2, $3)) }, [from.scale, from.zero, scale, zero, table], function,
      dtype: from.x.dtype, scratch: 256 * MemoryLayout<Float>.size)
    return table
  }

  /// Emits y[i] = table[x[i]]. x is rows of `width` that lie `stride` apart in y, the first at `offset`.
  @inline(never)
  mutating func emitLookup(
    _ x: Operand, _ table: Operand, _ y: Operand, width: Int, stride: Int, offset: Int
  ) {
    emit(
      { lookUp(Chunk($0, $1, $2, $3)) }, [x, table, y],
      ByteTableParams(width: width, stride: stride, offset: offset), dtype: x.dtype, items: x.count,
      grain: grain(nanoseconds: 1))
  }

  mutating func emitLookup(_ x: Operand, _ table: Operand, _ y: Operand) {
    emit(maas_s8_table, [x, table, y], 0, maas_s8_table_split(Int64(x.count)), dtype: x.dtype)
  }
}

/// x's scale and zero point, y's, table.
private func fillTable(_ chunk: Chunk) -> Int32 {
  guard let scratch = chunk.worker.pointee.scratch else { return StepStatus.value }
  let values = scratch.assumingMemoryBound(to: Float.self)
  let isSigned = chunk.step.pointee.dtype == DType.int8.rawValue
  func number(_ byte: UInt8) -> Float { isSigned ? Float(Int8(bitPattern: byte)) : Float(byte) }
  func zero(_ i: Int) -> Float { chunk.optional(i, as: UInt8.self).map { number($0.pointee) } ?? 0 }
  let (from, to) = (zero(1), zero(3))
  let scale = chunk.input(0, as: Float.self).pointee
  for i in 0..<256 { values[i] = scale * (number(UInt8(i)) - from) }
  chunk.apply(chunk.params(maas_f32_activation.self).pointee, values, values, count: 256)
  let (low, high): (Float, Float) = isSigned ? (-128 - to, 127 - to) : (0 - to, 255 - to)
  for i in 0..<256 {
    let quotient = values[i] / chunk.input(2, as: Float.self).pointee
    let held = quotient > low ? min(quotient, high) : low
    chunk.output(4, as: UInt8.self)[i] =
      UInt8(truncatingIfNeeded: Int32(held.rounded(.toNearestOrEven) + to))
  }
  return StepStatus.ok
}

private struct ByteTableParams {
  let width, stride, offset: Int
}

/// x, table, y.
private func lookUp(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(ByteTableParams.self).pointee
  let (x, table) = (chunk.input(0, as: UInt8.self), chunk.input(1, as: UInt8.self))
  var i = chunk.begin
  while i < chunk.end {
    let (row, column) = (i / p.width, i % p.width)
    let count = min(p.width - column, chunk.end - i)
    let to = chunk.output(2, as: UInt8.self) + (p.offset + row * p.stride + column)
    for j in 0..<count { to[j] = table[Int(x[i + j])] }
    i += count
  }
  return StepStatus.ok
}
