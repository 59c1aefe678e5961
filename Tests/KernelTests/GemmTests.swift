import CMaasKernels
import Foundation
import Testing

/// How C of alpha A B + beta C is given.
enum AddedC: CaseIterable { case none, scalar, row, column, matrix, transposed }

struct GemmCase: Sendable, CustomTestStringConvertible {
  var m: Int, n: Int, k: Int
  var transA = false, transB = false
  var c = AddedC.none
  var activation = maas_f32_activation()
  var alpha: Float = 1, beta: Float = 1
  var residual = false
  /// Elements between the end of a row of Y and the next.
  var gap = 0
  /// Batch dimensions; a or b with `false` is broadcast along that dimension.
  var batch: [Int] = []
  var aBatched: [Bool] = [], bBatched: [Bool] = []
  /// B is read where it lies.
  var plain = false

  var testDescription: String {
    "\(m)x\(n)x\(k) \(transA ? "T" : "N")\(transB ? "T" : "N") \(c) batch \(batch)\(plain ? " plain" : "")"
  }
  var matrices: Int { batch.reduce(1, *) }

  static let sizes: [GemmCase] = [1, 2, 3, 5, 6, 7, 13, 14, 15, 31, 67].flatMap { m in
    [1, 7, 15, 16, 17, 33, 67].flatMap { n in [0, 1, 2, 5, 67].map { GemmCase(m: m, n: n, k: $0) } }
  }
  static let forms: [GemmCase] = AddedC.allCases.flatMap { c in
    [false, true].flatMap { a in
      [false, true].map { b in
        GemmCase(m: 50, n: 70, k: 33, transA: a, transB: b, c: c, alpha: 0.75, beta: -0.5, residual: a != b)
      }
    }
  }
  /// Long enough for several passes over k and several tiles.
  static let large: [GemmCase] = [
    GemmCase(m: 29, n: 150, k: 1100, c: .row, residual: true),
    GemmCase(m: 3, n: 300, k: 1030, c: .matrix, activation: clip, residual: true, gap: 3),
    GemmCase(m: 200, n: 17, k: 520, transA: true, transB: true, c: .column, activation: tanh),
    GemmCase(m: 143, n: 1100, k: 9, transB: true, activation: relu, gap: 5),
  ]
  static let batched: [GemmCase] = [
    GemmCase(m: 9, n: 20, k: 30, batch: [3, 2], aBatched: [true, true], bBatched: [true, true]),
    GemmCase(
      m: 9, n: 20, k: 30, transB: true, batch: [3, 2], aBatched: [true, false], bBatched: [true, true]),
    GemmCase(
      m: 1, n: 40, k: 30, transA: true, batch: [2, 3, 4], aBatched: [false, true, true],
      bBatched: [true, false, false]),
  ]
  /// The same with B as it lies.
  static let plain = (forms + large + batched + sizes.filter { $0.n != 15 && $0.k != 2 }).map { g in
    var plain = g
    plain.plain = true
    return plain
  }
  static let relu = maas_f32_activation(op: MAAS_UNARY_RELU, alpha: 0, beta: 0)
  static let clip = maas_f32_activation(op: MAAS_UNARY_CLIP, alpha: -1, beta: 6)
  static let tanh = maas_f32_activation(op: MAAS_UNARY_TANH, alpha: 0, beta: 0)
}

/// A case with its values, and what ONNX's formula makes of them in double precision.
final class GemmRun {
  let g: GemmCase
  let a: [Float], b: [Float], c: [Float], r: [Float]

  init(_ g: GemmCase, _ random: inout Random) {
    self.g = g
    let matrices = g.matrices
    a = random.floats(matrices * g.m * g.k)
    b = random.floats(matrices * g.k * g.n)
    c = random.floats(g.m * g.n)
    r = random.floats(matrices * g.m * (g.n + g.gap))
  }

  var aStrides: (Int, Int) { g.transA ? (1, g.m) : (g.k, 1) }
  var bStrides: (Int, Int) { g.transB ? (1, g.k) : (g.n, 1) }
  var cStrides: (Int, Int) {
    switch g.c {
    case .none, .scalar: (0, 0)
    case .row: (0, 1)
    case .column: (1, 0)
    case .matrix: (g.n, 1)
    case .transposed: (1, g.m)
    }
  }

  private func matrix(_ index: Int, _ batched: [Bool]) -> Int {
    var index = index
    var matrix = 0
    var stride = 1
    for (size, own) in zip(g.batch, batched).reversed() {
      if own {
        matrix += index % size * stride
        stride *= size
      }
      index /= size
    }
    return matrix
  }
  private func strides(_ batched: [Bool], _ unit: Int) -> [Int64] {
    var stride = unit
    var strides: [Int64] = []
    for (size, own) in zip(g.batch, batched).reversed() {
      strides.insert(own ? Int64(stride) : 0, at: 0)
      stride *= own ? size : 1
    }
    return strides
  }

  var params: maas_f32_gemm_params {
    var p = maas_f32_gemm_params()
    (p.m, p.n, p.k) = (Int64(g.m), Int64(g.n), Int64(g.k))
    (p.a_row, p.a_col) = (Int64(aStrides.0), Int64(aStrides.1))
    (p.c_row, p.c_col) = (Int64(cStrides.0), Int64(cStrides.1))
    p.y_row = Int64(g.n + g.gap)
    (p.alpha, p.beta, p.activation) = (g.alpha, g.beta, g.activation)
    p.batch_rank = Int32(g.batch.count)
    set(&p.batch, g.batch.map(Int64.init))
    set(&p.a_batch, strides(g.aBatched, g.m * g.k))
    p.b_form = g.plain ? MAAS_GEMM_B_PLAIN : MAAS_GEMM_B_PACKED
    (p.b_row, p.b_col) = (Int64(bStrides.0), Int64(bStrides.1))
    set(&p.b_batch, strides(g.bBatched, g.plain ? g.k * g.n : 1))
    set(&p.y_batch, strides(g.batch.map { _ in true }, g.m * (g.n + g.gap)))
    return p
  }

  /// B, packed for `row` by the pack kernel unless it stays plain.
  func packed(for row: KernelRow) -> Fenced<Float> {
    if g.plain { return Fenced(b) }
    var p = maas_f32_gemm_pack_params()
    (p.k, p.n) = (Int64(g.k), Int64(g.n))
    (p.b_row, p.b_col) = (Int64(bStrides.0), Int64(bStrides.1))
    p.batch_rank = Int32(g.batch.count)
    let own = zip(g.batch, g.bBatched).map { $1 ? $0 : 1 }
    set(&p.batch, own.map(Int64.init))
    set(&p.b_batch, strides(g.bBatched, g.k * g.n))
    let bytes = maas_f32_gemm_packed_bytes_for(row.kernel, p.k, p.n)
    let packed = Fenced<Float>(repeating: .nan, count: Int(bytes) / 4 * own.reduce(1, *))
    let split = maas_f32_gemm_pack_split_for(row.kernel, &p)
    run(KernelRow.supported("maas_f32_gemm_pack")[0], p, [packed, Fenced(b)], split, cuts: [split.items / 2])
    return packed
  }

  /// Y of one matrix, one row after another, and the largest sum of magnitudes: what rounding is relative to.
  func expected(_ index: Int) -> (y: [Double], scale: Double) {
    let a0 = matrix(index, g.aBatched) * g.m * g.k
    let b0 = matrix(index, g.bBatched) * g.k * g.n
    var y: [Double] = []
    var scale = 1.0
    for i in 0..<g.m {
      for j in 0..<g.n {
        var sum = 0.0
        var size = 0.0
        for p in 0..<g.k {
          let product =
            Double(a[a0 + i * aStrides.0 + p * aStrides.1]) * Double(b[b0 + p * bStrides.0 + j * bStrides.1])
          sum += product
          size += abs(product)
        }
        y.append(finished(Double(g.alpha) * sum, index, i, j))
        scale = max(scale, size)
      }
    }
    return (y, scale)
  }

  private func finished(_ product: Double, _ index: Int, _ i: Int, _ j: Int) -> Double {
    var y = product
    if g.c != .none { y += Double(g.beta) * Double(c[i * cStrides.0 + j * cStrides.1]) }
    if g.residual { y += Double(r[(index * g.m + i) * (g.n + g.gap) + j]) }
    switch g.activation.op {
    case MAAS_UNARY_RELU: return max(0, y)
    case MAAS_UNARY_CLIP: return min(max(y, Double(g.activation.alpha)), Double(g.activation.beta))
    case MAAS_UNARY_TANH: return Foundation.tanh(y)
    default: return y
    }
  }
}

@Suite struct GemmTests {
  private func check(_ row: KernelRow, _ g: GemmCase) {
    var random = Random(4)
    let data = GemmRun(g, &random)
    var params = data.params
    let split = maas_f32_gemm_split_for(row.kernel, &params)
    let packed = data.packed(for: row)
    let start = g.residual ? data.r : [Float](repeating: 7, count: data.r.count)
    let operands: [(any Operand)?] = [
      Fenced(data.a), packed, g.c == .none ? nil : Fenced(data.c), g.residual ? Fenced(data.r) : nil, nil,
    ]
    let y = outputOf(row, params, split, output: 4, start: start, operands: operands, &random)
    for matrix in 0..<g.matrices {
      let (expected, scale) = data.expected(matrix)
      let rows = (0..<g.m).map { (matrix * g.m + $0) * (g.n + g.gap) }
      let found = rows.flatMap { y[$0..<$0 + g.n] }
      #expect(largestDifference(found, expected, scale: scale) < 1e-6)
      #expect(
        rows.allSatisfy { y[($0 + g.n)..<($0 + g.n + g.gap)] == start[($0 + g.n)..<($0 + g.n + g.gap)] })
    }
    if g.residual { checkInPlace(row, params, split, operands, y) }
  }

  /// R at the address of Y.
  private func checkInPlace(
    _ row: KernelRow, _ params: maas_f32_gemm_params, _ split: maas_split, _ operands: [(any Operand)?],
    _ expected: [Float]
  ) {
    var operands = operands
    operands[4] = operands[3]
    run(row, params, operands, split)
    let found = (operands[3] as? Fenced<Float>)?.values
    #expect(found?.map(\.bitPattern) == expected.map(\.bitPattern), "R in place")
  }

  @Test(arguments: KernelRow.supported("maas_f32_gemm")) func everySmallSize(row: KernelRow) {
    for g in GemmCase.sizes { check(row, g) }
  }

  @Test(arguments: KernelRow.supported("maas_f32_gemm")) func readsBWhereItLies(row: KernelRow) {
    for g in GemmCase.plain { check(row, g) }
  }

  @Test(arguments: KernelRow.supported("maas_f32_gemm"), GemmCase.forms + GemmCase.large + GemmCase.batched)
  func matchesDoublePrecision(row: KernelRow, g: GemmCase) { check(row, g) }

  @Test func packedBytesRefuseToOverflow() {
    #expect(maas_f32_gemm_packed_bytes(1 << 40, 1 << 40) == -1)
    #expect(maas_f32_gemm_packed_bytes(1, .max) == -1)
    #expect(maas_f32_gemm_packed_bytes(0, 100) == 0)
    let row = KernelRow.supported("maas_f32_gemm").last!
    #expect(maas_f32_gemm_packed_bytes_for(row.kernel, 3, 9) == 3 * 16 * 4)
  }

  @Test(arguments: KernelRow.supported("maas_f32_gemm")) func infinityAndNaNReachTheirRowOnly(row: KernelRow)
  {
    var random = Random(5)
    let g = GemmCase(m: 8, n: 40, k: 20)
    let data = GemmRun(g, &random)
    var a = data.a
    a[3 * 20 + 4] = .nan
    a[5 * 20 + 1] = .infinity
    var params = data.params
    let split = maas_f32_gemm_split_for(row.kernel, &params)
    let y = Fenced<Float>(repeating: 0, count: 8 * 40)
    run(row, params, [Fenced(a), data.packed(for: row), nil, nil, y], split)
    for (i, value) in y.values.enumerated() {
      #expect(value.isNaN == (i / 40 == 3))
      #expect(value.isInfinite == (i / 40 == 5))
    }
  }
}
