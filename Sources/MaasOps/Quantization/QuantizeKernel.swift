import CMaasKernels
import MaasCore
import MaasGraph

extension DType {
  /// Types that quantized tensors have.
  static let quantizedIntegers: [DType] = [.uint8, .int8, .uint16, .int16] + smallIntegers
  static let quantized = quantizedIntegers + float8s + [.float4e2m1]

  /// The smallest and largest integers of a quantized type.
  fileprivate var bounds: (low: Int, high: Int) {
    let isNegative = self == .int8 || self == .int16 || isSigned
    return isNegative
      ? (-(1 << (bitWidth - 1)), 1 << (bitWidth - 1) - 1) : (0, 1 << bitWidth - 1)
  }

  fileprivate var element: maas_element? {
    switch self {
    case .uint8: MAAS_ELEMENT_U8
    case .int8: MAAS_ELEMENT_S8
    case .uint16: MAAS_ELEMENT_U16
    case .int16: MAAS_ELEMENT_S16
    case .int32: MAAS_ELEMENT_S32
    case .float: MAAS_ELEMENT_F32
    default: nil
    }
  }
}

extension Operand {
  /// The same bytes under another shape of as many elements.
  @inline(never)
  func viewed(_ shape: [Int]) throws(MaasError) -> Operand {
    guard elementCount(shape) == count else {
      throw MaasError(
        .shapeMismatch, "a scale or zero point has the wrong size",
        expected: "\(elementCount(shape) ?? 0) elements", found: "\(count)")
    }
    return try Operand(buffer, dtype, shape)
  }

  var dims: [Dim] { shape.map { .known($0) } }
}

extension Lowering {
  /// Emits y = saturate(round(x / scale) + zero) for float x and scale and a `readable` zero point, if any; `view`
  /// and `own` are shapes of x and of the other two, which is broadcast. Small floats are not rounded to integers.
  @inline(never)
  mutating func emitQuantize(
    _ x: Operand, _ scale: Operand?, _ zero: Operand?, _ y: Operand, x view: [Int], own: [Int],
    _ rounding: SmallRounding = SmallRounding()
  ) throws(MaasError) {
    if SmallFloat.of(y.dtype) != nil {
      let scaled = try combined(.div, x, scale, view, own)
      let sum = try combined(.add, scaled, zero, view, own)
      return emitNarrow(sum, y, rounding)
    }
    let isPacked = y.dtype.isPacked
    let target = isPacked ? try temporary(y.dtype.isSigned ? .int8 : .uint8, y.shape) : y
    let (low, high) = y.dtype.bounds
    try emit(
      maas_f32_quantize, [x, scale, zero, target], target.dtype, view, own, Float(low), Float(high))
    if isPacked { emitNarrow(target, y) }
  }

  /// Emits y = (x - zero) * scale for a float scale and y.
  @inline(never)
  mutating func emitDequantize(
    _ x: Operand, _ scale: Operand, _ zero: Operand?, _ y: Operand, x view: [Int], own: [Int]
  ) throws(MaasError) {
    let wide = try readable(x)
    try emit(maas_f32_dequantize, [wide, scale, zero, y], wide.dtype, view, own, 0, 0)
  }

  /// The operand as the kernel reads it: packed integers as bytes, small floats as float.
  mutating func readable(_ x: Operand) throws(MaasError) -> Operand {
    if x.dtype.isSmallInteger { return try unpacked(x) }
    return x.dtype.isSmall ? try widened(x) : x
  }

  private mutating func emit(
    _ run: maas_step_run, _ operands: [Operand?], _ type: DType, _ view: [Int], _ own: [Int], _ low: Float,
    _ high: Float
  ) throws(MaasError) {
    guard let element = type.element else {
      throw MaasError(.internal, "no kernel quantizes \(type.name)")
    }
    let walk = try Walk(broadcasting: [own], to: view)
    var params = maas_quantize_params()
    params.type = element
    (params.low, params.high) = (low, high)
    params.rank = Int32(walk.dims.count)
    assign(&params.dims, walk.dims)
    assign(&params.strides, walk.strides[0])
    let split = maas_f32_quantize_split(&params)
    emit(run, operands, params, split, dtype: type)
  }

  /// x as `view`, combined with a number that is as `own`, where there is one.
  private mutating func combined(
    _ row: Binary.Row, _ x: Operand, _ number: Operand?, _ view: [Int], _ own: [Int]
  ) throws(MaasError) -> Operand {
    guard let number else { return x }
    let y = try temporary(.float, view)
    try emitBinary(row, try x.viewed(view), try number.viewed(own), y)
    return y
  }
}
