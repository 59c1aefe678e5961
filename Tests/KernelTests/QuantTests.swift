import CMaasKernels
import Testing

/// Products of 8-bit integers and the kernels that quantize, against their formulas in wide arithmetic.
@Suite struct QuantTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var m: Int, n: Int, k: Int
    var aSigned = false, bSigned = false
    /// Elements of the zero points: 0 for the number among the parameters.
    var aZeros = 0, bZeros = 0
    var batch = 1
    var testDescription: String { "\(m)x\(n)x\(k) zeros \(aZeros) \(bZeros) batch \(batch)" }
  }

  static let shapes: [Shape] =
    [1, 3, 4, 5, 8, 9, 17].flatMap { m in
      [1, 4, 15, 16, 33, 64, 70].flatMap { n in [0, 1, 2, 7, 40].map { Shape(m: m, n: n, k: $0) } }
    } + [
      Shape(m: 9, n: 35, k: 13, aSigned: true, aZeros: 9, bZeros: 35),
      Shape(m: 9, n: 35, k: 13, bSigned: true, aZeros: 1, bZeros: 1),
      Shape(m: 5, n: 18, k: 6, aSigned: true, bSigned: true, aZeros: 15, bZeros: 54, batch: 3),
      Shape(m: 130, n: 140, k: 300),
    ]

  @Test(arguments: KernelRow.supported("maas_s8_gemm"), shapes)
  func product(row: KernelRow, shape: Shape) {
    var random = Random(UInt64(shape.m * 1000 + shape.n * 10 + shape.k))
    let run = IntegerProduct(shape, &random)
    let split = run.multiply(row, cuts: [])
    #expect(split == run.expected)
    #expect(run.multiply(row, cuts: cuts(run.items, &random)) == split)
  }

  @Test(
    arguments: KernelRow.supported("maas_f32_quantize"), [MAAS_ELEMENT_U8, MAAS_ELEMENT_S8, MAAS_ELEMENT_S16])
  func quantize(row: KernelRow, type: maas_element) {
    var random = Random(3)
    for (columns, perColumn) in [(1, false), (7, true), (300, false), (300, true), (1030, true)] {
      let rows = 3
      let x = random.floats(rows * columns, -600, 600) + []
      let scale = random.floats(perColumn ? columns : 1, 0.5, 2)
      let zero = (0..<scale.count).map { _ in Int16(random.int(0..<100)) }
      let (low, high): (Float, Float) =
        type == MAAS_ELEMENT_U8 ? (0, 255) : type == MAAS_ELEMENT_S8 ? (-128, 127) : (-32768, 32767)
      var params = parameters(type, [rows, columns], perColumn)
      (params.low, params.high) = (low, high)
      let found = quantized(row, params, x, scale, zero)
      for (i, value) in x.enumerated() {
        let at = perColumn ? i % columns : 0
        let rounded = (value / scale[at]).rounded(.toNearestOrEven) + Float(zero[at])
        #expect(found[i] == Int(min(max(rounded, low), high)))
      }
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_quantize"))
  func quantizeRoundsTiesToEvenAndHoldsWhatIsOutside(row: KernelRow) {
    let x: [Float] = [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 3e9, -3e9, .infinity, -.infinity, .nan, 254.5]
    var params = parameters(MAAS_ELEMENT_U8, [x.count], false)
    (params.low, params.high) = (0, 255)
    let found = quantized(row, params, x, [1], [1])
    #expect(found == [1, 3, 3, 1, 0, 0, 255, 0, 255, 0, 0, 255])
  }

  @Test(arguments: KernelRow.supported("maas_f32_dequantize"))
  func dequantize(row: KernelRow) {
    var random = Random(5)
    let (rows, columns) = (5, 261)
    let x = (0..<rows * columns).map { _ in Int8(truncatingIfNeeded: random.next()) }
    let zero = (0..<columns).map { _ in Int8(truncatingIfNeeded: random.next()) }
    let scale = random.floats(columns)
    var params = parameters(MAAS_ELEMENT_S8, [rows, columns], true)
    let split = maas_f32_quantize_split(&params)
    let y = Fenced<Float>(repeating: 0, count: x.count)
    run(row, params, [Fenced(x), Fenced(scale), Fenced(zero), y], split, cuts: cuts(split.items, &random))
    let expected = x.indices.map { Float(Int(x[$0]) - Int(zero[$0 % columns])) * scale[$0 % columns] }
    #expect(y.values == expected)
    #expect(y.isFenceWhole)
  }

  @Test(arguments: KernelRow.supported("maas_f32_convert"))
  func convertTo16Bits(row: KernelRow) {
    var random = Random(11)
    let edges: [Float] = [
      0, -0.0, 65504, 65519.996, 65520, 65536, 6.1e-5, 5.96e-8, 2.98e-8, 2.99e-8, 1, 1.0004883, 1.0014648,
      .infinity,
      -.infinity, .nan, -.nan, 3.4e38, Float(bitPattern: 0x1_16C2), 1.00390625, 1.01171875,
      Float(bitPattern: 0x7f80_0001),
    ]
    let x = edges + (0..<4000).map { _ in Float(bitPattern: UInt32(truncatingIfNeeded: random.next())) }
    let halves = converted(row, MAAS_CONVERT_TO_F16, x, UInt16(0), &random)
    let bfloats = converted(row, MAAS_CONVERT_TO_BF16, x, UInt16(0), &random)
    for (i, value) in x.enumerated() {
      let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
      #expect(halves[i] == (value.isNaN ? sign | 0x7e00 : Float16(value).bitPattern), "\(value)")
      #expect(bfloats[i] == (value.isNaN ? sign | 0x7fc0 : nearestBFloat(value)), "\(value)")
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_convert"))
  func convertFrom16Bits(row: KernelRow) {
    var random = Random(12)
    let x = (0...UInt16.max).map { $0 }
    let fromHalf = converted(row, MAAS_CONVERT_FROM_F16, x, Float(0), &random)
    let fromBFloat = converted(row, MAAS_CONVERT_FROM_BF16, x, Float(0), &random)
    for (bits, (half, bfloat)) in zip(x, zip(fromHalf, fromBFloat)) {
      let exact = Float(Float16(bitPattern: bits))
      #expect(exact.isNaN ? half.isNaN : half.bitPattern == exact.bitPattern)
      #expect(bfloat.bitPattern == UInt32(bits) << 16)
    }
  }

  /// Of the two bfloat16 around a number, the nearer one, or the even one.
  private func nearestBFloat(_ value: Float) -> UInt16 {
    let below = value.bitPattern >> 16
    let (low, high) = (Float(bitPattern: below << 16), Float(bitPattern: (below + 1) << 16))
    let limit = high.isFinite ? Double(high) : high.sign == .minus ? -0x1p128 : 0x1p128
    if value.isInfinite || value == low { return UInt16(below) }
    let (down, up) = (abs(Double(value) - Double(low)), abs(limit - Double(value)))
    return UInt16(up < down || (up == down && below & 1 == 1) ? below + 1 : below)
  }

  private func converted<X: BitwiseCopyable, Y: BitwiseCopyable>(
    _ row: KernelRow, _ conversion: maas_conversion, _ x: [X], _ zero: Y, _ random: inout Random
  ) -> [Y] {
    var params = maas_f32_convert_params(conversion: conversion, n: Int64(x.count))
    let split = maas_f32_convert_split(&params)
    let y = Fenced<Y>(repeating: zero, count: x.count)
    run(row, params, [Fenced(x), y], split, cuts: cuts(split.items, &random))
    #expect(y.isFenceWhole)
    return y.values
  }

  private func parameters(_ type: maas_element, _ dims: [Int], _ perColumn: Bool) -> maas_quantize_params {
    var params = maas_quantize_params()
    params.type = type
    params.rank = Int32(dims.count)
    set(&params.dims, dims.map { Int64($0) })
    set(&params.strides, dims.indices.map { Int64(perColumn && $0 == dims.count - 1 ? 1 : 0) })
    return params
  }

  private func quantized(
    _ row: KernelRow, _ params: maas_quantize_params, _ x: [Float], _ scale: [Float], _ zero: [Int16]
  ) -> [Int] {
    var params = params
    let split = maas_f32_quantize_split(&params)
    if params.type == MAAS_ELEMENT_S16 {
      let y = Fenced<Int16>(repeating: 0, count: x.count)
      run(
        row, params, [Fenced(x), Fenced(scale), Fenced(zero), y], split, cuts: split.items > 9 ? [3, 9] : [])
      #expect(y.isFenceWhole)
      return y.values.map { Int($0) }
    }
    let y = Fenced<UInt8>(repeating: 0, count: x.count)
    let bytes = Fenced(zero.map { UInt8(truncatingIfNeeded: $0) })
    run(row, params, [Fenced(x), Fenced(scale), bytes, y], split, cuts: split.items > 9 ? [3, 9] : [])
    #expect(y.isFenceWhole)
    return y.values.map { params.type == MAAS_ELEMENT_S8 ? Int(Int8(bitPattern: $0)) : Int($0) }
  }
}

/// Two matrices of random bytes, and what their product is.
private final class IntegerProduct {
  let s: QuantTests.Shape
  let a: [UInt8], b: [UInt8], aZero: [UInt8], bZero: [UInt8]
  private(set) var items: Int64 = 0

  init(_ s: QuantTests.Shape, _ random: inout Random) {
    func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) } }
    self.s = s
    a = bytes(s.batch * s.m * s.k)
    b = bytes(s.batch * s.k * s.n)
    aZero = bytes(s.aZeros)
    bZero = bytes(s.bZeros)
  }

  private func number(_ byte: UInt8, _ isSigned: Bool) -> Int {
    isSigned ? Int(Int8(bitPattern: byte)) : Int(byte)
  }

  var expected: [Int32] {
    var y: [Int32] = []
    for g in 0..<s.batch {
      for i in 0..<s.m {
        for j in 0..<s.n {
          let x = s.aZeros == 0 ? 3 : number(aZero[(g * s.m + i) % s.aZeros], s.aSigned)
          let z = s.bZeros == 0 ? -4 : number(bZero[(g * s.n + j) % s.bZeros], s.bSigned)
          let sum = (0..<s.k).reduce(0) { sum, p in
            let left = number(a[(g * s.m + i) * s.k + p], s.aSigned) - x
            return sum + left * (number(b[(g * s.k + p) * s.n + j], s.bSigned) - z)
          }
          y.append(Int32(truncatingIfNeeded: sum))
        }
      }
    }
    return y
  }

  func multiply(_ row: KernelRow, cuts: [Int64]) -> [Int32] {
    let panels = panels(row)
    var params = maas_s8_gemm_params()
    (params.m, params.n, params.k) = (Int64(s.m), Int64(s.n), Int64(s.k))
    (params.a_row, params.y_row) = (params.k, params.n)
    params.finish.y_type = MAAS_ELEMENT_S32
    (params.finish.a_is_signed, params.finish.b_is_signed) = (s.aSigned, s.bSigned)
    (params.finish.a_zeros, params.finish.b_zeros) = (Int64(s.aZeros), Int64(s.bZeros))
    (params.finish.a_zero, params.finish.b_zero) = (3, -4)
    params.batch_rank = 1
    for field in [\maas_s8_gemm_params.batch, \.a_batch, \.b_batch, \.y_batch] {
      set(&params[keyPath: field], [Int64(field == \.batch ? s.batch : 1)])
    }
    let split = maas_s8_gemm_split_for(row.kernel, &params)
    items = split.items
    let y = Fenced<Int32>(repeating: -1, count: s.batch * s.m * s.n)
    let zeros: [(any Operand)?] = [aZero, bZero].map { $0.isEmpty ? nil : Fenced($0) }
    let finish = [(any Operand)?](repeating: nil, count: 6)
    run(row, params, [Fenced(a), panels, y] + zeros + finish, split, cuts: cuts)
    #expect(y.isFenceWhole)
    return y.values
  }

  private func panels(_ gemm: KernelRow) -> Fenced<UInt8> {
    var params = maas_s8_pack_params()
    params.is_signed = s.bSigned
    (params.k, params.n, params.count) = (Int64(s.k), Int64(s.n), Int64(s.batch))
    (params.b_row, params.b_col) = (Int64(s.n), 1)
    let split = maas_s8_pack_split_for(gemm.kernel, &params)
    let bytes = Int(maas_s8_packed_bytes_for(gemm.kernel, params.k, params.n))
    let y = Fenced<UInt8>(repeating: 1, count: s.batch * bytes)
    run(KernelRow.supported("maas_s8_pack")[0], params, [y, Fenced(b)], split)
    #expect(y.isFenceWhole)
    return y
  }
}
