import CMaasKernels
import MaasCore
import MaasGraph

/// The same numbers in another element type.
///
/// Floats become integers towards zero; NaN and numbers that do not fit become what x86's instructions give, on
/// every machine. Everything but zero becomes true. Strings hold numbers as NumPy writes them.
package final class Cast: ReadableOperator {
  package let name = "Cast"
  private let to: DType
  private let rounding: SmallRounding

  package init(to dtype: DType) {
    to = dtype
    rounding = SmallRounding()
  }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let dtype = reader.opset < 6 ? try Self.named(&reader) : try reader.dtype("to") else {
      throw MaasError(.invalidModel, "attribute 'to' is missing", expected: "an element type")
    }
    to = dtype
    rounding = try SmallRounding(&reader)
    try reader.finish()
  }

  /// Before opset 6 the attribute is the name of an element type, as `FLOAT16`.
  private static func named(_ reader: inout AttributeReader) throws(MaasError) -> DType? {
    guard let name = try reader.string("to") else { return nil }
    func upper(_ byte: UInt8) -> UInt8 { byte >= 97 && byte <= 122 ? byte - 32 : byte }
    if let dtype = DType.allCases.first(where: { $0.name.utf8.map(upper) == Array(name.utf8) }) {
      return dtype
    }
    throw MaasError(.unsupported, "attribute 'to' names an unknown element type", found: name)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.inferCast(to)
  }

  package func host(_ inputs: [DType?], _ outputs: [Fact?]) -> (any HostOperator)? {
    to == .string ? textMaker(inputs) : nil
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try node.lowerCast(rounding) }
}

/// Cast to the element type of the second input.
package final class CastLike: ReadableOperator {
  package let name = "CastLike"
  private let rounding: SmallRounding

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    rounding = try SmallRounding(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.inferCast(try node.dtype(1))
  }

  package func host(_ inputs: [DType?], _ outputs: [Fact?]) -> (any HostOperator)? {
    inputs[at: 1] == .string ? textMaker(inputs) : nil
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try node.lowerCast(rounding) }
}

/// The tensor in another element type, computed now.
package func cast(_ tensor: Tensor, to dtype: DType) throws(MaasError) -> Tensor {
  if tensor.dtype == dtype { return tensor }
  guard let result = try evaluate(Cast(to: dtype), [tensor], outputs: [true])?.first ?? nil else {
    throw MaasError(.internal, "a constant could not be cast")
  }
  return result
}

/// What makes strings of numbers; nil for strings, which stay what they are.
private func textMaker(_ inputs: [DType?]) -> (any HostOperator)? {
  inputs.first == .string ? nil : CastToString()
}

extension SmallRounding {
  fileprivate init(_ reader: inout AttributeReader) throws(MaasError) {
    saturates = try reader.int("saturate") ?? 1 != 0
    let mode = try reader.string("round_mode") ?? "up"
    let modes: [(name: String, rounding: PowerRounding)] = [
      ("up", .up), ("down", .down), ("nearest", .nearest),
    ]
    guard let rounding = modes.first(where: { $0.name == mode })?.rounding else {
      throw MaasError(
        .invalidModel, "attribute 'round_mode' has an unknown value", expected: "up, down or nearest",
        found: mode)
    }
    power = rounding
  }
}

extension Inference {
  fileprivate mutating func inferCast(_ dtype: DType) throws(MaasError) {
    try expectDType(0, DType.convertible)
    guard DType.convertible.contains(dtype) else {
      throw MaasError(.unsupported, "casting to \(dtype.name) is not supported")
    }
    setOutput(0, dtype, try shape(0), dims: try followedList(0).flatMap { follow($0, dtype) })
  }

  /// Casting keeps what a dimension is in the types shapes are made of.
  private func follow(_ dims: [Dim], _ dtype: DType) -> [Dim]? {
    if dtype == .int64 || dtype == .int32 { return dims }
    let values = dims.compactMap { $0.value }
    guard dtype == .bool, values.count == dims.count else { return nil }
    return values.map { .known($0 == 0 ? 0 : 1) }
  }
}

extension Lowering {
  fileprivate mutating func lowerCast(_ rounding: SmallRounding) throws(MaasError) {
    let (x, y) = (try input(0), try output())
    if x.dtype == y.dtype { return alias() }
    try mayReuseElementwise(0)
    try emitConversion(x, y, rounding)
  }

  /// Emits y = x in y's element type, both of them `plain`.
  mutating func emitCast(_ x: Operand, _ y: Operand) {
    if let conversion = conversions.first(where: { $0.from == x.dtype && $0.to == y.dtype })?.kernel {
      var params = maas_f32_convert_params(conversion: conversion, n: Int64(x.count))
      let split = maas_f32_convert_split(&params)
      return emit(maas_f32_convert, [x, y], params, split, dtype: x.dtype)
    }
    emit(
      { dispatch(CastKernel.self, Chunk($0, $1, $2, $3)) }, [x, y], y.dtype.rawValue, dtype: x.dtype,
      items: x.count, grain: grain(nanoseconds: 2))
  }
}

/// Casts that have a kernel.
private let conversions: [(from: DType, to: DType, kernel: maas_conversion)] = [
  (.float, .float16, MAAS_CONVERT_TO_F16), (.float, .bfloat16, MAAS_CONVERT_TO_BF16),
  (.float16, .float, MAAS_CONVERT_FROM_F16), (.bfloat16, .float, MAAS_CONVERT_FROM_BF16),
]

/// x, y; the parameter is y's element type.
private enum CastKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    switch DType(rawValue: chunk.params(Int32.self).pointee) {
    case .bool: store(chunk, as: UInt8.self) { (x: T) in x == .zero ? 0 : 1 }
    case .float: store(chunk) { (x: T) in x.float }
    case .double: store(chunk) { (x: T) in x.double }
    case .float16: store(chunk) { (x: T) in Half(truncating: x.double) }
    case .bfloat16: store(chunk) { (x: T) in BFloat16(truncating: x.double) }
    default: return integers(chunk, type)
    }
    return StepStatus.ok
  }

  private static func integers<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    switch DType(rawValue: chunk.params(Int32.self).pointee) {
    case .int8: store(chunk) { (x: T) in x.integer(Int8.self) }
    case .int16: store(chunk) { (x: T) in x.integer(Int16.self) }
    case .int32: store(chunk) { (x: T) in x.integer(Int32.self) }
    case .int64: store(chunk) { (x: T) in x.integer(Int64.self) }
    case .uint8: store(chunk) { (x: T) in x.integer(UInt8.self) }
    case .uint16: store(chunk) { (x: T) in x.integer(UInt16.self) }
    case .uint32: store(chunk) { (x: T) in x.integer(UInt32.self) }
    case .uint64: store(chunk) { (x: T) in x.integer(UInt64.self) }
    default: return StepStatus.value
    }
    return StepStatus.ok
  }

  @inline(__always)
  private static func store<T: Number, U: BitwiseCopyable>(
    _ chunk: Chunk, as type: U.Type = U.self, _ convert: (T) -> U
  ) {
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: U.self))
    for i in chunk.begin..<chunk.end { y[i] = convert(x[i]) }
  }
}
