import CMaasKernels
import Foundation
import Testing

/// A shape and the dimensions that are reduced.
struct ReduceCase: Sendable, CustomTestStringConvertible {
  let dims: [Int], axes: [Int]
  var testDescription: String { "\(dims) over \(axes)" }

  var kept: [Int] { dims.indices.filter { !axes.contains($0) } }

  /// For every output, in order, the offsets of what it is made of.
  var groups: [[Int]] {
    let view = View.contiguous(dims)
    return view.permuted(kept).offsets.map { base in view.permuted(axes).offsets.map { $0 + base } }
  }

  static let all = [
    ([], []), ([1], [0]), ([67], [0]), ([67], []), ([3, 5], [0]), ([3, 5], [1]), ([3, 5], [0, 1]),
    ([7, 1, 9], [1]),
    ([2, 3, 4, 5], [0, 2]), ([2, 3, 4, 5], [1, 3]), ([2, 3, 4, 5], [2, 3]), ([5, 100, 3, 33], [0, 2, 3]),
    ([5, 100, 3, 33], [1]), ([4, 0, 3], [1]), ([4, 3, 0], [1, 2]), ([1, 5000], [1]), ([300, 70], [0]),
    ([2, 3, 2, 3, 2, 3, 2, 3], [0, 2, 4, 6]), ([2, 3, 2, 3, 2, 3, 2, 3], [1, 3, 5, 7]),
  ].map { ReduceCase(dims: $0.0, axes: $0.1) }
}

@Suite struct ReduceTests {
  private static func logSumExp(_ x: [Double]) -> Double {
    let most = x.max() ?? -.infinity
    return log(x.reduce(0) { $0 + exp($1 - (most.isFinite ? most : 0)) }) + (most.isFinite ? most : 0)
  }

  static let functions: [(maas_reduce, @Sendable ([Double]) -> Double)] = [
    (MAAS_REDUCE_SUM, { $0.reduce(0, +) }), (MAAS_REDUCE_MEAN, { $0.reduce(0, +) / Double($0.count) }),
    (MAAS_REDUCE_MAX, { $0.max() ?? -.infinity }), (MAAS_REDUCE_MIN, { $0.min() ?? .infinity }),
    (MAAS_REDUCE_PROD, { $0.reduce(1, *) }), (MAAS_REDUCE_L1, { $0.reduce(0) { $0 + abs($1) } }),
    (MAAS_REDUCE_L2, { $0.reduce(0) { $0 + $1 * $1 }.squareRoot() }),
    (MAAS_REDUCE_SUM_SQUARE, { $0.reduce(0) { $0 + $1 * $1 } }),
    (MAAS_REDUCE_LOG_SUM, { log($0.reduce(0, +)) }),
    (MAAS_REDUCE_LOG_SUM_EXP, { logSumExp($0) }),
  ]

  @Test func everyFunctionHasACase() {
    #expect(Set(Self.functions.map(\.0.rawValue)) == Set(0..<MAAS_REDUCE_COUNT.rawValue))
  }

  private func params(_ op: maas_reduce, _ reduce: ReduceCase) -> maas_f32_reduce_params {
    var p = maas_f32_reduce_params()
    (p.op, p.rank) = (op, Int32(reduce.dims.count))
    set(&p.dims, reduce.dims.map(Int64.init))
    set(&p.reduced, reduce.dims.indices.map { reduce.axes.contains($0) })
    return p
  }

  @Test(arguments: KernelRow.supported("maas_f32_reduce"), ReduceCase.all)
  func matchesDoublePrecision(row: KernelRow, reduce: ReduceCase) {
    var random = Random(15)
    let x = random.floats(reduce.dims.reduce(1, *), -1, 3)
    let groups = reduce.groups
    for (op, exact) in Self.functions {
      var params = params(op, reduce)
      let split = maas_f32_reduce_split(&params)
      let start = [Float](repeating: 7, count: groups.count)
      let values = op == MAAS_REDUCE_LOG_SUM ? x.map { abs($0) } : x
      let y = outputOf(row, params, split, output: 1, start: start, operands: [Fenced(values), nil], &random)
      let expected = groups.map { group in exact(group.map { Double(values[$0]) }) }
      #expect(largestDifference(y, expected) < 1e-6, "\(op)")
    }
  }

  @Test(
    arguments: KernelRow.supported("maas_f32_reduce"), [MAAS_REDUCE_MAX, MAAS_REDUCE_MIN, MAAS_REDUCE_SUM])
  func nanIsNotLost(row: KernelRow, op: maas_reduce) {
    for place in [0, 6, 40, 66] {
      var random = Random(16)
      var x = random.floats(67)
      x[place] = .nan
      var params = params(op, ReduceCase(dims: [67], axes: [0]))
      let y = Fenced<Float>(repeating: 0, count: 1)
      let split = maas_f32_reduce_split(&params)
      run(row, params, [Fenced(x), y], split)
      #expect(y.values[0].isNaN)
    }
  }

  /// A plain sum in float of 2^22 times 0.1 is off by more than one percent.
  @Test(arguments: KernelRow.supported("maas_f32_reduce")) func longSumsStayExact(row: KernelRow) {
    let x = [Float](repeating: 0.1, count: 1 << 22)
    for dims in [[1 << 22, 1], [1 << 20, 4]] {
      var params = params(MAAS_REDUCE_SUM, ReduceCase(dims: dims, axes: [0]))
      let y = Fenced<Float>(repeating: 0, count: dims[1])
      let split = maas_f32_reduce_split(&params)
      run(row, params, [Fenced(x), y], split)
      let exact = Double(Float(0.1)) * Double(dims[0])
      #expect(largestDifference(y.values, [Double](repeating: exact, count: dims[1])) < 5e-6)
    }
  }
}
