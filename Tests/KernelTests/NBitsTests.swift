import CMaasKernels
import Testing

/// Products with matrices quantized in blocks, and sums and products of quantized numbers, against their formulas.
@Suite struct NBitsTests {
  struct Shape: Sendable, CustomTestStringConvertible {
    var m: Int, n: Int, blocks: Int
    var block = 16
    var bits = 4
    var hasZeros = false
    var testDescription: String { "\(m)x\(n), \(blocks) blocks of \(block), \(bits) bits \(hasZeros)" }
  }

  static let shapes: [Shape] =
    [2, 4, 8].flatMap { bits in
      [1, 2, 4, 5, 17].flatMap { m in
        [1, 7, 12, 31, 32, 33, 70].map { Shape(m: m, n: $0, blocks: 1 + $0 % 3, bits: bits) }
      }
    } + [
      Shape(m: 1, n: 40, blocks: 3, block: 64, bits: 4, hasZeros: true),
      Shape(m: 4, n: 40, blocks: 3, block: 32, bits: 8, hasZeros: true),
      Shape(m: 9, n: 40, blocks: 40, block: 32, bits: 2, hasZeros: true),
      Shape(m: 30, n: 150, blocks: 5, block: 128, bits: 4, hasZeros: true),
      Shape(m: 300, n: 20, blocks: 2, bits: 8),
    ]

  @Test(arguments: KernelRow.supported("maas_f32_nbits"), shapes)
  func product(row: KernelRow, shape: Shape) {
    var random = Random(UInt64(shape.m * 1000 + shape.n * 10 + shape.bits))
    let run = BlockProduct(shape, &random)
    let found = run.multiply(row, &random)
    #expect(largestDifference(found, run.expected, scale: run.scale) < 2e-6)
  }

  /// A comes as bytes with a scale for each block.
  @Test(arguments: KernelRow.supported("maas_f32_nbits"), shapes)
  func productOfBytes(row: KernelRow, shape: Shape) {
    // Codes of 8 bits need an instruction that only the row which runs here may use.
    let isBest = row.kernel == maas_kernel_selected(maas_kernel_table_at(row.family))
    if shape.bits == 8, !isBest || !maas_f32_nbits_wants_bytes(1, 8) { return }
    if shape.bits == 2, row.kernel.pointee.isa == MAAS_ISA_SCALAR { return }
    var random = Random(UInt64(shape.m * 1000 + shape.n * 10))
    let run = BlockProduct(shape, &random, asBytes: true)
    let found = run.multiply(row, &random)
    #expect(largestDifference(found, run.expected, scale: run.scale) < 2e-6)
  }

  @Test(arguments: KernelRow.supported("maas_f32_block_bytes"), [2, 4, 8])
  func blockBytes(row: KernelRow, bits: Int) {
    for block in [16, 64, 1024] { checkBlockBytes(row, block, bits) }
  }

  private func checkBlockBytes(_ row: KernelRow, _ block: Int, _ bits: Int) {
    var random = Random(13)
    let blocks = 5
    var x = random.floats(blocks * block, -9, 9)
    for i in 0..<block { x[i] = 0 }
    var params = maas_block_bytes_params(blocks: Int64(blocks), block: Int64(block), bits: Int32(bits))
    let split = maas_f32_block_bytes_split(&params)
    let y = Fenced<Int8>(repeating: 1, count: x.count)
    let (scales, sums) = (
      Fenced<Float>(repeating: -1, count: blocks), Fenced<Float>(repeating: -1, count: blocks)
    )
    run(row, params, [Fenced(x), y, scales, sums], split, cuts: cuts(split.items, &random))
    #expect(y.isFenceWhole && scales.isFenceWhole && sums.isFenceWhole)
    for b in 0..<blocks {
      let own = x[b * block..<(b + 1) * block]
      let most = own.map(abs).max() ?? 0
      #expect(scales.values[b] == most / 127)
      let numbers = own.map { most == 0 ? 0 : Int(($0 * (127 / most)).rounded(.toNearestOrEven)) }
      for (i, number) in numbers.enumerated() {
        #expect(Int(y.values[b * block + BlockProduct.place(i, bits)]) == number)
      }
      #expect(sums.values[b] == scales.values[b] * Float(numbers.reduce(0, +)))
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_qbinary"), [false, true])
  func pairs(row: KernelRow, multiplies: Bool) {
    var random = Random(11)
    for (columns, aColumns, bColumns) in [(1, 1, 1), (37, 37, 1), (300, 300, 300), (530, 1, 530)] {
      let rows = 3
      let a = (0..<rows * aColumns).map { _ in Int8(truncatingIfNeeded: random.int(0..<256)) }
      let b = (0..<bColumns).map { _ in Int8(truncatingIfNeeded: random.int(0..<256)) }
      let (aScale, bScale, yScale): (Float, Float, Float) = (0.25, 0.5, multiplies ? 4 : 0.5)
      let (aZero, bZero, yZero): (Int8, Int8, Int8) = (-7, 20, 3)
      var params = maas_qbinary_params()
      (params.type, params.multiplies, params.rank) = (MAAS_ELEMENT_S8, multiplies, 2)
      set(&params.dims, [Int64(rows), Int64(columns)])
      set(&params.a_strides, [Int64(aColumns), aColumns == 1 ? 0 : 1] as [Int64])
      set(&params.b_strides, [0, bColumns == 1 ? 0 : 1] as [Int64])
      let split = maas_f32_qbinary_split(&params)
      let y = Fenced<Int8>(repeating: 0, count: rows * columns)
      let operands: [(any Operand)?] = [
        Fenced(a), Fenced([aScale]), Fenced([aZero]), Fenced(b), Fenced([bScale]), Fenced([bZero]),
        Fenced([yScale]), Fenced([yZero]), y,
      ]
      run(row, params, operands, split, cuts: cuts(split.items, &random))
      #expect(y.isFenceWhole)
      for i in 0..<rows * columns {
        let left = Double(a[i / columns * aColumns + (aColumns == 1 ? 0 : i % columns)]) - Double(aZero)
        let right = Double(b[bColumns == 1 ? 0 : i % columns]) - Double(bZero)
        let (u, v) = (left * Double(aScale), right * Double(bScale))
        // All factors are powers of two: what is halfway is so exactly, after the zero point is added.
        let whole = ((multiplies ? u * v : u + v) / Double(yScale) + Double(yZero))
        #expect(y.values[i] == Int8(max(-128, min(127, whole.rounded(.toNearestOrEven)))))
      }
    }
  }
}

/// One product with random numbers, and what it must be.
private struct BlockProduct {
  let s: NBitsTests.Shape
  let a, scales, zeros, bias: [Float]
  let codes: [Int]
  /// A as bytes, and the scales of its blocks; empty where A is floats.
  let bytes: [Int8]
  let byteScales: [Float]
  private var k: Int { s.blocks * s.block }

  init(_ shape: NBitsTests.Shape, _ random: inout Random, asBytes: Bool = false) {
    s = shape
    let k = shape.blocks * shape.block
    var numbers: [Int8] = []
    if asBytes { for _ in 0..<shape.m * k { numbers.append(Int8(random.int(-127..<128))) } }
    bytes = numbers
    byteScales = asBytes ? random.floats(shape.m * shape.blocks, 0.01, 0.1) : []
    let scales = byteScales
    a =
      asBytes
      ? numbers.indices.map { Float(numbers[$0]) * scales[$0 / shape.block] } : random.floats(shape.m * k)
    self.scales = random.floats(shape.n * shape.blocks, 0.1, 1)
    zeros = random.floats(shape.n * shape.blocks, 0, Float(1 << shape.bits))
    bias = random.floats(shape.n)
    codes = (0..<shape.n * k).map { _ in random.int(0..<1 << shape.bits) }
  }

  /// Where number i of a block stands among its bytes: those together that meet the same place of a byte of codes.
  static func place(_ i: Int, _ bits: Int) -> Int {
    let (perByte, group) = (8 / bits, 32 / bits)
    return i / group * group + i % perByte * 4 + i % group / perByte
  }

  private var placedBytes: [Int8] {
    var placed = bytes
    for (i, byte) in bytes.enumerated() { placed[Self.place(i, s.bits)] = byte }
    return placed
  }

  private var middle: Float { Float(1 << (s.bits - 1)) }
  /// What the rounding of a result is measured by.
  var scale: Double { Double(k << s.bits) }

  var expected: [Double] {
    (0..<s.m * s.n).map { at in
      let (i, j) = (at / s.n, at % s.n)
      return (0..<k).reduce(Double(bias[j])) { sum, p in
        let block = j * s.blocks + p / s.block
        let zero = Double(s.hasZeros ? zeros[block] : middle)
        return sum + Double(a[i * k + p]) * (Double(codes[j * k + p]) - zero) * Double(scales[block])
      }
    }
  }

  func multiply(_ row: KernelRow, _ random: inout Random) -> [Float] {
    var params = maas_f32_nbits_params()
    (params.m, params.n, params.k) = (Int64(s.m), Int64(s.n), Int64(k))
    params.a_is_bytes = !bytes.isEmpty
    (params.block, params.bits, params.zero) = (Int64(s.block), Int32(s.bits), middle)
    let split = maas_f32_nbits_split_for(row.kernel, &params)
    let width = Int(row.kernel.pointee.nr)
    let sums = (0..<s.m * s.blocks).map { at in
      a[at * s.block..<(at + 1) * s.block].reduce(0, +)
    }
    let left: any Operand = bytes.isEmpty ? Fenced(a) as any Operand : Fenced(placedBytes)
    let operands: [(any Operand)?] = [
      left, Fenced(panels(words, of: k * s.bits / 32, 0, width)),
      Fenced(panels(scales, of: s.blocks, 0, width)),
      s.hasZeros ? Fenced(panels(zeros, of: s.blocks, 0, width)) : nil, Fenced(sums), Fenced(bias), nil,
      Fenced(byteScales),
    ]
    return outputOf(
      row, params, split, output: 6, start: [Float](repeating: -1, count: s.m * s.n), operands: operands,
      &random)
  }

  /// The first code of a word stands in its lowest bits.
  private var words: [UInt32] {
    let perWord = 32 / s.bits
    return (0..<codes.count / perWord).map { word in
      (0..<perWord).reduce(0) { $0 | UInt32(codes[word * perWord + $1]) << UInt32($1 * s.bits) }
    }
  }

  /// A matrix with `count` numbers for each column of B in panels of `width` columns.
  private func panels<T>(_ matrix: [T], of count: Int, _ filler: T, _ width: Int) -> [T] {
    (0..<(s.n + width - 1) / width).flatMap { panel in
      (0..<count * width).map { at in
        let column = panel * width + at % width
        return column < s.n ? matrix[column * count + at / width] : filler
      }
    }
  }
}
