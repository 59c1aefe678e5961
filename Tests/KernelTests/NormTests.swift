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
