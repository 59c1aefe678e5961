import CMaasKernels
import Foundation
import Testing

@Suite struct SoftmaxTests {
  static let shapes = [
    [1, 1, 1], [3, 7, 1], [5, 67, 1], [2, 8, 1], [4, 1000, 1], [3, 5, 7], [2, 33, 100], [1, 3, 65],
    [2, 4, 16],
  ]

  private func expected(_ x: [Float], _ shape: [Int], log isLog: Bool) -> [Double] {
    var y = [Double](repeating: 0, count: x.count)
    for o in 0..<shape[0] {
      for i in 0..<shape[2] {
        let places = (0..<shape[1]).map { (o * shape[1] + $0) * shape[2] + i }
        let values = places.map { Double(x[$0]) }
        let most = values.contains { $0.isNaN } ? .nan : values.max() ?? 0
        let sum = values.reduce(0) { $0 + exp($1 - most) }
        for (place, value) in zip(places, values) {
          y[place] = isLog ? value - most - log(sum) : exp(value - most) / sum
        }
      }
    }
    return y
  }

  @Test(arguments: KernelRow.supported("maas_f32_softmax"), shapes)
  func matchesDoublePrecision(row: KernelRow, shape: [Int]) {
    for log in [false, true] { check(row, shape, log: log) }
  }

  private func check(_ row: KernelRow, _ shape: [Int], log: Bool) {
    var random = Random(12)
    for special in [false, true] {
      var x = random.floats(shape.reduce(1, *), -30, 30)
      if special && shape[1] > 4 {
        x[shape[2] * 2] = .nan
        for a in 0..<shape[1] { x[x.count - 1 - a * shape[2]] = -.infinity }
      }
      var params = maas_f32_softmax_params(
        log: log, outer: Int64(shape[0]), axis: Int64(shape[1]), inner: Int64(shape[2]))
      let split = maas_f32_softmax_split(&params)
      let y = outputOf(row, params, split, output: 1, start: x, operands: [Fenced(x), nil], &random)
      let expected = expected(x, shape, log: log)
      #expect(log ? largestDifference(y, expected) < 1e-6 : largestError(y, expected) < 70)
      let inPlace = Fenced(x)
      run(row, params, [inPlace, inPlace], split)
      #expect(inPlace.values.map(\.bitPattern) == y.map(\.bitPattern), "in place")
    }
  }
}

@Suite struct OnlineSoftmaxTests {
  /// Rows, elements of a row, elements of a tile, elements of the weighted sum.
  static let shapes = [[1, 1, 1, 1], [3, 10, 4, 5], [2, 67, 16, 33], [5, 40, 40, 8]]

  /// The softmax of whole rows weights vectors; the kernel sees the rows tile by tile.
  @Test(arguments: KernelRow.supported("maas_f32_online_softmax"), shapes)
  func tilesGiveTheSoftmaxOfTheWhole(row: KernelRow, shape: [Int]) {
    let (rows, n, tile, width) = (shape[0], shape[1], shape[2], shape[3])
    var random = Random(19)
    var x = random.floats(rows * n, -30, 30)
    for j in 0..<min(n, tile) { x[j] = -.infinity }
    let vectors = random.floats(n * width)
    let maximum = Fenced<Float>(repeating: -.infinity, count: rows)
    let sum = Fenced<Float>(repeating: 0, count: rows)
    let y = Fenced<Float>(repeating: 0, count: rows * width)
    for first in stride(from: 0, to: n, by: tile) {
      let count = min(tile, n - first)
      let part = Fenced((0..<rows).flatMap { r in x[r * n + first..<r * n + first + count] })
      var params = maas_f32_online_softmax_params()
      (params.rows, params.n, params.width) = (Int64(rows), Int64(count), Int64(width))
      let split = maas_f32_online_softmax_split(&params)
      run(row, params, [part, maximum, sum, y], split, cuts: cuts(split.items, &random))
      #expect(part.isFenceWhole && maximum.isFenceWhole && sum.isFenceWhole && y.isFenceWhole)
      for i in 0..<rows * width {
        let weights = (0..<count).map { part.values[i / width * count + $0] }
        y.elements[i] += zip(weights, 0..<count).reduce(0) {
          $0 + $1.0 * vectors[(first + $1.1) * width + i % width]
        }
      }
    }
    check(x.map(Double.init), vectors.map(Double.init), maximum.values, sum.values, y.values, rows)
  }

  /// A mask of floats is added, one of bytes chooses; elements behind it stay.
  @Test(
    arguments: KernelRow.supported("maas_f32_online_softmax"),
    [MAAS_MASK_ADDED.rawValue, MAAS_MASK_CHOSEN.rawValue])
  func masksAreApplied(row: KernelRow, mask: UInt32) {
    var random = Random(29)
    for (rows, n, own, repeats) in [(3, 19, 17, false), (2, 40, 40, true), (4, 5, 5, false)] {
      var params = maas_f32_online_softmax_params()
      (params.rows, params.n, params.mask, params.mask_n) = (
        Int64(rows), Int64(n), maas_mask(mask), Int64(own)
      )
      (params.mask_row, params.fill) = (repeats ? 0 : Int64(own), -3)
      let count = repeats ? own : rows * own
      var added = random.floats(count)
      added[own / 2] = -.infinity
      let chosen = random.floats(count).map { UInt8($0 > 0 ? 1 : 0) }
      let x = random.floats(rows * n, -5, 5)
      var exact = x.map(Double.init)
      for i in 0..<rows * own {
        let (at, m) = (i / own * n + i % own, repeats ? i % own : i)
        exact[at] =
          mask == MAAS_MASK_ADDED.rawValue ? exact[at] + Double(added[m]) : chosen[m] == 0 ? -3 : exact[at]
      }
      let found = Fenced(x)
      let maximum = Fenced<Float>(repeating: -.infinity, count: rows)
      let sum = Fenced<Float>(repeating: 0, count: rows)
      let split = maas_f32_online_softmax_split(&params)
      let operand: any Operand = mask == MAAS_MASK_ADDED.rawValue ? Fenced(added) : Fenced(chosen)
      run(row, params, [found, maximum, sum, Fenced<Float>(repeating: 0, count: 1), operand], split)
      for r in 0..<rows {
        let most = exact[r * n..<(r + 1) * n].max() ?? 0
        let expected = exact[r * n..<(r + 1) * n].map { exp($0 - most) }
        #expect(largestDifference(Array(found.values[r * n..<(r + 1) * n]), expected) < 1e-6)
        #expect(abs(Double(sum.values[r]) - expected.reduce(0, +)) < 1e-5)
      }
    }
  }

  private func check(
    _ x: [Double], _ vectors: [Double], _ maximum: [Float], _ sum: [Float], _ y: [Float], _ rows: Int
  ) {
    let (n, width) = (x.count / rows, y.count / rows)
    for r in 0..<rows {
      let values = Array(x[r * n..<(r + 1) * n])
      let most = values.max() ?? -.infinity
      #expect(Double(maximum[r]) == most)
      guard most > -.infinity else {
        #expect(sum[r] == 0 && (0..<width).allSatisfy { y[r * width + $0] == 0 })
        continue
      }
      let whole = values.reduce(0) { $0 + exp($1 - most) }
      #expect(abs(Double(sum[r]) - whole) < 1e-5 * whole)
      for d in 0..<width {
        let exact = (0..<n).reduce(0) { $0 + exp(values[$1] - most) * vectors[$1 * width + d] }
        #expect(abs(Double(y[r * width + d]) - exact) < 1e-5 * whole)
      }
    }
  }
}

@Suite struct NormTests {
  @Test(
    arguments: KernelRow.supported("maas_f32_layer_norm"),
    [[3, 7], [5, 67], [2, 32], [7, 768], [1, 4099]])
  func layerNormMatchesDoublePrecision(row: KernelRow, shape: [Int]) {
    var random = Random(13)
    let rows = shape[0]
    let n = shape[1]
    for (rms, affine) in [(false, false), (false, true), (true, true)] {
      let x = random.floats(rows * n, rms ? -1 : 99, rms ? 1 : 101)
      let scale = random.floats(n)
      let bias = random.floats(n)
      var params = maas_f32_layer_norm_params(rms: rms, epsilon: 1e-5, rows: Int64(rows), n: Int64(n))
      let split = maas_f32_layer_norm_split(&params)
      let means = Fenced<Float>(repeating: 0, count: rows)
      let inverses = Fenced<Float>(repeating: 0, count: rows)
      let y = outputOf(
        row, params, split, output: 3, start: x,
        operands: [
          Fenced(x), affine ? Fenced(scale) : nil, affine ? Fenced(bias) : nil, nil, means, inverses,
        ], &random)
      for r in 0..<rows {
        let values = x[r * n..<(r + 1) * n].map(Double.init)
        let mean = rms ? 0 : values.reduce(0, +) / Double(n)
        let inverse =
          1 / (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(n) + 1e-5).squareRoot()
        let expected = values.enumerated().map { j, value in
          (value - mean) * inverse * (affine ? Double(scale[j]) : 1) + (affine ? Double(bias[j]) : 0)
        }
        #expect(largestDifference([Float](y[r * n..<(r + 1) * n]), expected) < 3e-5)
        #expect(abs(Double(means.values[r]) - mean) <= 1e-5)
        #expect(abs(Double(inverses.values[r]) / inverse - 1) < 1e-5)
      }
      let inPlace = Fenced(x)
      let operands = [inPlace, affine ? Fenced(scale) : nil, affine ? Fenced(bias) : nil, inPlace, nil, nil]
      run(row, params, operands, split)
      #expect(inPlace.values.map(\.bitPattern) == y.map(\.bitPattern), "in place")
    }
  }

  @Test(
    arguments: KernelRow.supported("maas_f32_channel_affine"),
    [[1, 1, 1], [3, 7, 1], [2, 5, 67], [1, 33, 16]])
  func channelAffineMatchesDoublePrecision(row: KernelRow, shape: [Int]) {
    var random = Random(14)
    let x = random.floats(shape.reduce(1, *))
    let scale = random.floats(shape[1])
    let shift = random.floats(shape[1])
    var params = maas_f32_channel_affine_params(
      outer: Int64(shape[0]), channels: Int64(shape[1]), inner: Int64(shape[2]), activation: GemmCase.relu)
    let split = maas_f32_channel_affine_split(&params)
    let y = outputOf(
      row, params, split, output: 3, start: x, operands: [Fenced(x), Fenced(scale), Fenced(shift), nil],
      &random)
    let expected = x.enumerated().map { i, value in
      let c = i / shape[2] % shape[1]
      return max(0, Double(value) * Double(scale[c]) + Double(shift[c]))
    }
    #expect(largestDifference(y, expected) < 2e-7)
  }
}
