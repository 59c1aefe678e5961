import CMaasKernels
import MaasCore
import MaasGraph

extension DType {
  /// What a step computes with: `emitCast` knows these.
  static let plain = numbers + [.bool]
  /// Types that Cast converts from and to.
  static let convertible = plain + small + [.string]
}

extension Lowering {
  /// The operand in another element type: itself, or a temporary.
  @inline(never)
  mutating func converted(_ x: Operand, _ dtype: DType) throws(MaasError) -> Operand {
    if x.dtype == dtype { return x }
    let result = try temporary(dtype, x.shape)
    try emitConversion(x, result)
    return result
  }

  /// Emits y = x in y's element type, which differs from x's; any `convertible` types but to string.
  mutating func emitConversion(
    _ x: Operand, _ y: Operand, _ rounding: SmallRounding = SmallRounding()
  ) throws(MaasError) {
    if let step = stage(x.dtype, y.dtype) {
      let between = try temporary(step, x.shape)
      try emitConversion(x, between)
      return try emitConversion(between, y, rounding)
    }
    if x.dtype.isSmall { return emitWiden(x, y) }
    if y.dtype.isSmall { return emitNarrow(x, y, rounding) }
    if x.dtype == .string { return emitParse(x, y) }
    emitCast(x, y)
  }

  /// The element type on the way where no single step leads from one to the other.
  private func stage(_ from: DType, _ to: DType) -> DType? {
    if from.isSmall { return to == .float ? nil : .float }
    if from == .string {
      if to == .int64 || to == .double { return nil }
      return DType.integers.contains(to) ? .int64 : .double
    }
    if to.isSmallInteger { return from == .int8 || from == .uint8 ? nil : .int8 }
    if to.isSmall { return from == .float || from == .double ? nil : wholeIsFloat(from) ? .float : .double }
    return nil
  }

  /// Whether Float has every number of the type.
  private func wholeIsFloat(_ dtype: DType) -> Bool { dtype.bitWidth < 32 }

  /// Emits y = the numbers that the strings of x name; y is double or int64.
  private mutating func emitParse(_ x: Operand, _ y: Operand) {
    emit(
      { parse(Chunk($0, $1, $2, $3)) }, [x, y], UInt8(0), dtype: y.dtype, items: x.count,
      grain: grain(nanoseconds: 100))
  }
}

/// x as strings, y as double or int64.
private func parse(_ chunk: Chunk) -> Int32 {
  let x = chunk.input(0, as: StringElement.self)
  var status = StepStatus.ok
  for i in chunk.begin..<chunk.end {
    let text = x[i].bytes
    if chunk.step.pointee.dtype == DType.double.rawValue {
      guard let value = number(text) else {
        status = refuse(chunk, i)
        continue
      }
      chunk.output(1, as: Double.self)[i] = value
    } else {
      guard let value = wholeNumber(text) ?? number(text).map({ Int64(wrapping: $0) }) else {
        status = refuse(chunk, i)
        continue
      }
      chunk.output(1, as: Int64.self)[i] = value
    }
  }
  return status
}

private func refuse(_ chunk: Chunk, _ i: Int) -> Int32 {
  chunk.worker.pointee.failure.0 = Int64(i)
  return StepStatus.text
}

/// A number, or True or False, which is what casting makes of a bool.
private func number(_ text: UnsafeRawBufferPointer) -> Double? {
  var value = 0.0
  let start = text.baseAddress?.assumingMemoryBound(to: CChar.self)
  if maas_f64_parse(start, text.count, &value) { return value }
  if text.elementsEqual("True".utf8) { return 1 }
  return text.elementsEqual("False".utf8) ? 0 : nil
}

/// A whole number of up to 64 bits, which a double may not hold; nil for other texts. The upper half of what has no
/// sign wraps.
private func wholeNumber(_ text: UnsafeRawBufferPointer) -> Int64? {
  let isNegative = text.first == 45
  let digits = isNegative || text.first == 43 ? text.dropFirst() : text[...]
  var magnitude: UInt64 = 0
  for byte in digits {
    guard byte >= 48, byte <= 57 else { return nil }
    let (tens, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
    let (next, overflow) = tens.addingReportingOverflow(UInt64(byte - 48))
    if tooLarge || overflow { return nil }
    magnitude = next
  }
  if digits.isEmpty { return nil }
  return Int64(bitPattern: isNegative ? 0 &- magnitude : magnitude)
}
