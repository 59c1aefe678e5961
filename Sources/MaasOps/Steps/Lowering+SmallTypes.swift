import MaasCore
import MaasGraph

/// Elements that no step computes with: floats of 8 bits and less, and integers of less than 8. The steps here are all
/// that know how such elements lie in memory.
extension DType {
  static let float8s: [DType] = [.float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz]
  static let smallIntegers: [DType] = [.int4, .uint4, .int2, .uint2]
  static let small = float8s + [.float8e8m0, .float4e2m1] + smallIntegers

  /// Whether several elements share a byte, the first in its lowest bits.
  var isPacked: Bool { bitWidth < 8 }
  var isSmall: Bool { DType.small.contains(self) }
  var isSmallInteger: Bool { DType.smallIntegers.contains(self) }
  var isSigned: Bool { self == .int4 || self == .int2 }
}

/// How numbers become elements of a small type.
struct SmallRounding {
  var saturates = true
  var power = PowerRounding.up
}

extension Lowering {
  /// Emits y = x, from any small type to float.
  mutating func emitWiden(_ x: Operand, _ y: Operand) {
    emit(
      { widenSmall(Chunk($0, $1, $2, $3)) }, [x, y], WidenParams(x.dtype), items: x.count,
      grain: grain(nanoseconds: 1))
  }

  /// Emits y = x, from float or double to a small float, or from the low bits of int8 or uint8 to a small integer or
  /// the bits of a small float.
  mutating func emitNarrow(_ x: Operand, _ y: Operand, _ rounding: SmallRounding = SmallRounding()) {
    let params = NarrowParams(y.dtype, count: y.count, rounding)
    emit(
      { narrowToSmall(Chunk($0, $1, $2, $3)) }, [x, y], params, dtype: x.dtype, items: y.byteCount,
      grain: grain(nanoseconds: 4 * params.perByte))
  }

  /// Input `i`, widened where no step compares its elements.
  mutating func comparable(_ i: Int) throws(MaasError) -> Operand {
    let x = try input(i)
    return x.dtype.isSmall ? try widened(x) : x
  }

  /// The elements of a packed type, one a byte: integers as such, floats as their bits. Constants are unpacked once.
  mutating func unpacked(_ x: Operand) throws(MaasError) -> Operand {
    let params = UnpackParams(bits: x.dtype.bitWidth, isSigned: x.dtype.isSigned)
    let dtype: DType = params.isSigned ? .int8 : .uint8
    guard x.constant == nil else {
      let bytes = try packed(
        x, layout: "bytes of \(x.dtype.name)", byteCount: x.count,
        { unpackSmall(Chunk($0, $1, $2, $3)) }, params, items: x.count, grain: grain(nanoseconds: 1))
      return try Operand(bytes.buffer, dtype, x.shape)
    }
    let y = try temporary(dtype, x.shape)
    emit(
      { unpackSmall(Chunk($0, $1, $2, $3)) }, [y, x], params, dtype: dtype, items: x.count,
      grain: grain(nanoseconds: 1))
    return y
  }

  /// Lowers an operator that only moves elements: packed ones are bytes for it, unpacked before and packed behind.
  mutating func moving(_ lower: (inout Lowering) throws(MaasError) -> Void) throws(MaasError) {
    guard (inputs + outputs).contains(where: { $0?.dtype.isPacked ?? false }) else { return try lower(&self) }
    let own = outputs
    var (bytesIn, bytesOut): ([Operand?], [Operand?]) = ([], [])
    for x in inputs {
      if let x, x.dtype.isPacked { bytesIn.append(try unpacked(x)) } else { bytesIn.append(x) }
    }
    for y in own {
      if let y, y.dtype.isPacked {
        bytesOut.append(try temporary(.uint8, y.shape))
      } else {
        bytesOut.append(y)
      }
    }
    try substituting(bytesIn, bytesOut, lower)
    for (i, y) in own.enumerated() where !aliases.contains(where: { $0.output == i }) {
      if let y, y.dtype.isPacked, let bytes = bytesOut[i] { emitNarrow(bytes, y) }
    }
  }
}

/// The bits of element `i`, in the low bits of a byte.
@inline(__always)
func smallBits(_ x: UnsafePointer<UInt8>, _ i: Int, _ width: Int) -> UInt8 {
  x[(i &* width) >> 3] &>> UInt8(truncatingIfNeeded: (i &* width) & 7)
}

/// The value of each pattern of bits; `bits` of them, where bytes of uint8 hold several.
func smallValues(_ dtype: DType, bits: Int) -> InlineArray<256, Float> {
  var values = InlineArray<256, Float>(repeating: 0)
  for pattern in 0..<1 << bits {
    let isNegative = dtype.isSigned && pattern >> (bits - 1) == 1
    values[pattern] =
      SmallFloat.of(dtype)?.value(pattern) ?? Float(isNegative ? pattern - 1 << bits : pattern)
  }
  return values
}

private struct WidenParams {
  let bits: Int
  let values: InlineArray<256, Float>

  init(_ dtype: DType) {
    bits = dtype.bitWidth
    values = smallValues(dtype, bits: bits)
  }
}

/// x, y as float.
private func widenSmall(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(WidenParams.self)
  let (x, y) = (chunk.input(0, as: UInt8.self), chunk.output(1, as: Float.self))
  let width = params.pointee.bits
  let mask = UInt8(truncatingIfNeeded: (1 << width) - 1)
  for i in chunk.begin..<chunk.end { y[i] = params.pointee.values[Int(smallBits(x, i, width) & mask)] }
  return StepStatus.ok
}

private struct UnpackParams {
  let bits: Int
  let isSigned: Bool
}

/// y as bytes, x.
private func unpackSmall(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(UnpackParams.self).pointee
  let (x, y) = (chunk.input(1, as: UInt8.self), chunk.output(0, as: UInt8.self))
  let above = UInt8(8 - params.bits)
  for i in chunk.begin..<chunk.end {
    let high = smallBits(x, i, params.bits) &<< above
    y[i] = params.isSigned ? UInt8(bitPattern: Int8(bitPattern: high) &>> Int8(above)) : high &>> above
  }
  return StepStatus.ok
}

private struct NarrowParams {
  let count: Int
  let bits: Int
  let format: SmallFloat?
  let saturates: Bool
  let power: PowerRounding

  var perByte: Int { 8 / bits }

  init(_ dtype: DType, count: Int, _ rounding: SmallRounding) {
    self.count = count
    bits = dtype.bitWidth
    format = SmallFloat.of(dtype)
    (saturates, power) = (rounding.saturates, rounding.power)
  }

  func pattern(_ value: Double) -> UInt8 {
    guard let format else { return 0 }
    let bits =
      format.specials == .powersOfTwo
      ? format.power(Float(value), power, saturates: saturates) : format.bits(value, saturates: saturates)
    return UInt8(truncatingIfNeeded: bits)
  }
}

/// x, y. Items are bytes of y.
private func narrowToSmall(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(NarrowParams.self)
  switch DType(rawValue: chunk.step.pointee.dtype) {
  case .float: pack(chunk, params) { (x: Float) in params.pointee.pattern(Double(x)) }
  case .double: pack(chunk, params) { (x: Double) in params.pointee.pattern(x) }
  default: pack(chunk, params) { (x: UInt8) in x }
  }
  return StepStatus.ok
}

@inline(__always)
private func pack<T>(_ chunk: Chunk, _ params: UnsafePointer<NarrowParams>, _ pattern: (T) -> UInt8) {
  let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: UInt8.self))
  let (width, perByte) = (params.pointee.bits, params.pointee.perByte)
  let mask = UInt8(truncatingIfNeeded: (1 << width) - 1)
  for at in chunk.begin..<chunk.end {
    var byte: UInt8 = 0
    for i in 0..<min(perByte, params.pointee.count - at * perByte) {
      byte |= (pattern(x[at * perByte + i]) & mask) &<< UInt8(truncatingIfNeeded: i * width)
    }
    y[at] = byte
  }
}
