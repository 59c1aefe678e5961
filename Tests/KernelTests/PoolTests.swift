import CMaasKernels
import Foundation
import Testing

struct PoolCase: Sendable, CustomTestStringConvertible {
  let testDescription: String
  let window: Window

  static let all: [PoolCase] = [
    (
      "1-D",
      Window(input: [1, 1, 20], kernel: [1, 1, 3], stride: [1, 1, 2], begin: [0, 0, 1], end: [0, 0, 1])
    ),
    ("2x2/2 ceil", Window(input: [1, 14, 15], kernel: [1, 2, 2], stride: [1, 2, 2], ceil: true)),
    (
      "3x3/2 ceil",
      Window(
        input: [1, 30, 70], kernel: [1, 3, 3], stride: [1, 2, 2], begin: [0, 1, 1], end: [0, 1, 1], ceil: true
      )
    ),
    ("3x3", Window(input: [1, 9, 40], kernel: [1, 3, 3], begin: [0, 1, 1], end: [0, 1, 1])),
    ("whole", Window(input: [1, 7, 7], kernel: [1, 7, 7])),
    (
      "dilated",
      Window(
        input: [1, 20, 21], kernel: [1, 3, 2], stride: [1, 3, 5], dilation: [1, 2, 3], begin: [0, 2, 1],
        end: [0, 0, 1])
    ),
    (
      "3-D",
      Window(
        input: [4, 5, 6], kernel: [2, 3, 2], stride: [2, 1, 2], dilation: [1, 2, 1], begin: [1, 1, 1],
        end: [0, 1, 1],
        ceil: true)
    ),
    ("several strips", Window(input: [1, 120, 90], kernel: [1, 3, 3], begin: [0, 1, 1], end: [0, 1, 1])),
  ].map { PoolCase(testDescription: $0.0, window: $0.1) }

  func params(_ op: maas_pool, planes: Int) -> maas_f32_pool_params {
    var p = maas_f32_pool_params()
    p.op = op
    p.planes = Int64(planes)
    set(&p.input, window.input.map(Int64.init))
    set(&p.output, window.output.map(Int64.init))
    set(&p.kernel, window.kernel.map(Int64.init))
    set(&p.stride, window.stride.map(Int64.init))
    set(&p.dilation, window.dilation.map(Int64.init))
    set(&p.pad_begin, window.begin.map(Int64.init))
    set(&p.pad_end, window.end.map(Int64.init))
    return p
  }

  /// How many taps lie in the input or its padding.
  func paddedCount(_ output: [Int]) -> Int {
    Window.positions(window.kernel).map { window.input(output, $0) }.count { at in
      (0..<3).allSatisfy { -window.begin[$0] <= at[$0] && at[$0] < window.input[$0] + window.end[$0] }
    }
  }
}

@Suite struct PoolTests {
  private let planes = 2

  private func input(_ pool: PoolCase) -> [Float] {
    var random = Random(7)
    var x = random.floats(planes * pool.window.input.reduce(1, *), -9, 9)
    x[5] = .nan
    return x
  }

  private func output(
    _ row: KernelRow, _ params: maas_f32_pool_params, _ x: [Float], indices: Fenced<Int64>? = nil, count: Int
  ) -> [Float] {
    var random = Random(8)
    var params = params
    let split = maas_f32_pool_split(&params)
    return outputOf(
      row, params, split, output: 1, start: [Float](repeating: 7, count: count),
      operands: [Fenced(x), nil, indices],
      &random)
  }

  /// For every output: what the window sees, and where in the plane.
  private func visible(_ pool: PoolCase, _ x: [Float]) -> [[(value: Float, index: Int)]] {
    let volume = pool.window.input.reduce(1, *)
    let reach = pool.window.reach
    return (0..<planes).flatMap { plane in
      reach.map { seen in seen.map { (x[plane * volume + $0.index], $0.index) } }
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_pool"), PoolCase.all)
  func maximum(row: KernelRow, pool: PoolCase) {
    let x = input(pool)
    let expected = visible(pool, x).map { seen -> Double in
      seen.contains { $0.value.isNaN } ? .nan : Double(seen.map(\.value).max() ?? -.infinity)
    }
    let y = output(row, pool.params(MAAS_POOL_MAX, planes: planes), x, count: expected.count)
    #expect(largestError(y, expected) == 0)
  }

  @Test(arguments: KernelRow.supported("maas_f32_pool"), PoolCase.all)
  func average(row: KernelRow, pool: PoolCase) {
    let x = input(pool)
    let padded = Window.positions(pool.window.output).map(pool.paddedCount)
    for includesPadding in [false, true] {
      let expected = visible(pool, x).enumerated().map { i, seen -> Double in
        let sum = seen.reduce(0.0) { $0 + Double($1.value) }
        return sum / Double(max(1, includesPadding ? padded[i % padded.count] : seen.count))
      }
      var params = pool.params(MAAS_POOL_AVERAGE, planes: planes)
      params.count_include_pad = includesPadding
      let y = output(row, params, x, count: expected.count)
      #expect(largestDifference(y, expected, scale: 9) < 5e-7)
    }
  }

  @Test(arguments: KernelRow.supported("maas_f32_pool"), PoolCase.all)
  func sum(row: KernelRow, pool: PoolCase) {
    let x = input(pool)
    let expected = visible(pool, x).map { seen in seen.reduce(0.0) { $0 + Double($1.value) } }
    let y = output(row, pool.params(MAAS_POOL_SUM, planes: planes), x, count: expected.count)
    #expect(largestDifference(y, expected, scale: 9 * Double(pool.window.kernel.reduce(1, *))) < 5e-7)
  }

  @Test(arguments: KernelRow.supported("maas_f32_pool"), PoolCase.all)
  func indicesOfTheFirstMaximum(row: KernelRow, pool: PoolCase) {
    for columnMajor in [false, true] { checkIndices(row, pool, columnMajor: columnMajor) }
  }

  private func checkIndices(_ row: KernelRow, _ pool: PoolCase, columnMajor: Bool) {
    let x = input(pool).map { $0.rounded() }
    let volume = pool.window.input.reduce(1, *)
    let seen = visible(pool, x)
    let perPlane = seen.count / planes
    let expected = seen.enumerated().map { i, seen -> Int64 in
      let most = seen.contains { $0.value.isNaN } ? .nan : seen.map(\.value).max() ?? 0
      guard let first = seen.first(where: { $0.value == most || ($0.value.isNaN && most.isNaN) }) else {
        return Int64(i / perPlane * volume)
      }
      let extent = pool.window.input
      let plane = extent[1] * extent[2]
      let (z, y, x) = (first.index / plane, first.index % plane / extent[2], first.index % extent[2])
      let index = columnMajor ? (x * extent[1] + y) * extent[0] + z : first.index
      return Int64(i / perPlane * volume + index)
    }
    var params = pool.params(MAAS_POOL_MAX, planes: planes)
    params.column_major = columnMajor
    let indices = Fenced<Int64>(repeating: -1, count: expected.count)
    let y = output(row, params, x, indices: indices, count: expected.count)
    #expect(indices.values == expected)
    #expect(
      largestError(
        y,
        seen.map { seen in
          seen.contains { $0.value.isNaN } ? .nan : Double(seen.map(\.value).max() ?? -.infinity)
        }) == 0)
  }
}
