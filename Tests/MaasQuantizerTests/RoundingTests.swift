import MaasCore
import Testing

@testable import MaasQuantizer

/// Numbers from -1 to 1, the same every time.
func noise(_ count: Int, seed: UInt64 = 1) -> [Float] {
  var state = seed
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(Int32(truncatingIfNeeded: state >> 32)) / 2_147_483_648
  }
}

func withRun<R>(_ values: [Float], _ body: (Run) -> R) -> R {
  values.withUnsafeBufferPointer { body(Run(base: $0.baseAddress!, count: $0.count)) }
}

@Suite struct RoundingTests {
  @Test func decimals() {
    #expect(decimal(3.14159, 2) == "3.14")
    #expect(decimal(-0.004, 2) == "0.00")
    #expect(decimal(-1.5, 1) == "-1.5")
    #expect(decimal(12, 0) == "12")
    #expect(decimal(0.05, 1) == "0.1")
    #expect(decimal(.infinity, 1) == "inf")
    #expect(decimal(3e12, 8) == "3000000000000.0")
    #expect(decimal(-2e20, 1) == "-2e+20")
  }

  /// What lies on a grid is found exactly.
  @Test(arguments: [2, 4, 8]) func onAGrid(bits: Int) {
    let last = (1 << bits) - 1
    let codes = (0..<37).map { $0 * 7 % (last + 1) } + [0, last]
    let values = codes.map { Float($0 - last / 3) * 0.25 }
    let grid = withRun(values) { $0.blockCodes(bits: bits, isSymmetric: false) }
    #expect(codes.map { Float($0) } == values.map { grid.code($0) })
    for value in values { #expect(abs(value - grid.value(grid.code(value))) < 1e-6 * Float(last)) }
  }

  /// Never worse than the whole range cut evenly, and within what a fine search of scales, and of zero points, finds.
  @Test(arguments: [2, 4]) func nearTheBest(bits: Int) {
    let (last, middle) = (Float((1 << bits) - 1), Float(1 << (bits - 1)))
    for seed in 1..<20 as Range<UInt64> {
      let values = noise(32, seed: seed).map { $0 * $0 * $0 }
      let (low, high) = (min(values.min()!, 0), max(values.max()!, 0))
      let whole = Grid(
        scale: (high - low) / last, zero: (-low / (high - low) * last).rounded(), low: 0, high: last)
      let grid = withRun(values) { $0.blockCodes(bits: bits, isSymmetric: false) }
      let error = withRun(values) { $0.error(grid) }
      #expect(error <= withRun(values) { $0.error(whole) } * 1.00001)
      #expect(error <= leastError(values, low, high, last, zeroIsCode: bits == 4) * 1.1)
      let symmetric = withRun(values) { $0.blockCodes(bits: bits, isSymmetric: true) }
      var best = Float.infinity
      for step in -400...400 where step != 0 {
        let grid = Grid(scale: Float(step) / 400 / middle, zero: middle, low: 0, high: last)
        best = min(best, withRun(values) { $0.error(grid) })
      }
      #expect(withRun(values) { $0.error(symmetric) } <= best * 1.25)
    }
  }

  /// Of all grids that cut off up to half of the range at either end.
  private func leastError(
    _ values: [Float], _ low: Float, _ high: Float, _ last: Float, zeroIsCode: Bool
  ) -> Float {
    var least = Float.infinity
    for i in 0..<3600 {
      let (first, end) = (low + (high - low) * Float(i / 60) / 120, high - (high - low) * Float(i % 60) / 120)
      guard end > first else { continue }
      let scale = (end - first) / last
      let zero = -first / scale
      let grid = Grid(
        scale: scale, zero: zeroIsCode ? min(max(zero.rounded(), 0), last) : zero, low: 0, high: last)
      least = min(least, withRun(values) { $0.error(grid) })
    }
    return least
  }

  /// Errors whose sum counts too: a code is moved where that is cheap, and back to no code beyond the ends.
  @Test func errorsCancel() {
    let grid = Grid(scale: -0.5, zero: 8, low: 0, high: 15)
    let values: [Float] = [0.2, 0.2, 0.2, 0.24, 0.2, 0.2, 3.9, 3.9]
    var codes = values.map { grid.code($0) }
    #expect(codes == [8, 8, 8, 8, 8, 8, 0, 0])
    codes.withUnsafeMutableBufferPointer { codes in
      values.withUnsafeBufferPointer { ErrorBalance(grid: grid).apply($0.baseAddress!, codes) }
    }
    // The sum is 1.04: 0.24 becomes 0.5, then one of 0.2 costs 0.05 and takes 0.029 off a tenth of the square.
    #expect(codes == [8, 8, 8, 7, 8, 8, 0, 0])
  }

  @Test func nothingButZeros() {
    let zeros = [Float](repeating: 0, count: 9)
    #expect(withRun(zeros) { $0.signedBytes(isSymmetric: false) }.scale == 1)
    let grid = withRun(zeros) { $0.blockCodes(bits: 4, isSymmetric: false) }
    #expect(grid.code(0) == 0 && grid.value(0) == 0)
  }

  @Test(arguments: [2, 4, 8], [true, false]) func blocksHoldWhatWasRounded(bits: Int, isSymmetric: Bool)
    throws
  {
    var options = QuantizationOptions()
    (options.mode, options.bits, options.block, options.isSymmetric) = (.weights, bits, 16, isSymmetric)
    let (columns, rows) = (3, 41)
    let filters = Filters(columns: columns, rows: rows, values: try Tensor(.float, [3, 41], noise(123)))
    let weights = try BlockWeights(filters, options)
    let rounded = filters.values.elements(as: Float.self)
    weights.restore(filters)
    #expect(filters.values.elements(as: Float.self) == rounded)
    #expect(weights.codes.shape == [3, 3, 2 * bits])
    #expect((weights.zeros == nil) == isSymmetric)
  }

  /// Numbers on one side of 0 leave half of the codes around it unused.
  @Test func zeroPointsWhereTheyLoseLess() {
    let values = noise(200).map { $0 + 0.8 }
    let (around, own) = withRun(values) {
      ($0.signedBytes(isSymmetric: true), $0.signedBytes(isSymmetric: false))
    }
    #expect(around.zero == 0 && own.zero != 0)
    #expect(withRun(values) { $0.error(own) } < 0.5 * withRun(values) { $0.error(around) })
  }

  /// On several threads as on one; the error is at most that of rounding to a 127th of the largest.
  @Test(arguments: [true, false]) func bytesOfChannels(isSymmetric: Bool) throws {
    let exact = noise(41 * 30).map { $0 + 0.4 }
    let shape = [30, 41]
    let filters = Filters(columns: 30, rows: 41, values: try Tensor(.float, shape, exact))
    let weights = try ChannelWeights(filters, isSymmetric: isSymmetric, threads: 1)
    let others = try ChannelWeights(filters, isSymmetric: isSymmetric, threads: 5)
    #expect(weights.codes.elements(as: Int8.self) == others.codes.elements(as: Int8.self))
    #expect(weights.scales.elements(as: Float.self) == others.scales.elements(as: Float.self))
    #expect((weights.zeros == nil) == isSymmetric)
    weights.restore(filters)
    let lost = zip(filters.values.elements(as: Float.self), exact).map { ($0 - $1) * ($0 - $1) }
    for column in 0..<30 {
      let range = column * 41..<(column + 1) * 41
      let step = exact[range].map { $0.magnitude }.max()! / 127
      #expect(lost[range].reduce(0, +) <= 41 * step * step / 4)
    }
  }

  /// Numbers that a 15th of is 0, whose range or whose sums are no floats: codes are found, and nothing is lost beyond
  /// a step of the whole range.
  @Test(
    arguments: [-149, -133, -66, 60, 83, 127],
    [(2, true), (2, false), (4, true), (4, false), (8, true), (8, false)])
  func extremesOfBlocks(exponent: Int, _ form: (bits: Int, isSymmetric: Bool)) throws {
    let size = Float(sign: .plus, exponent: exponent, significand: 1)
    var options = QuantizationOptions()
    (options.mode, options.bits, options.block) = (.weights, form.bits, 32)
    options.isSymmetric = form.isSymmetric
    let exact = (0..<64).map { Float([1, -1, 0.5, 0][$0 % 4]) * size }
    let filters = Filters(columns: 1, rows: 64, values: try Tensor(.float, [1, 64], exact))
    let weights = try BlockWeights(filters, options)
    weights.restore(filters)
    // No grid has steps for the least float: it may become 0.
    let step = exponent == -149 ? Double(size) : 2 * Double(size) / Double((1 << form.bits) - 1)
    for (found, value) in zip(filters.values.elements(as: Float.self), exact) {
      #expect(abs(Double(found) - Double(value)) <= step * 1.001)
    }
  }

  /// A last block of weights so small that no step of 8 bits is a float beside them, as those of a dead unit become.
  @Test(arguments: [true, false]) func weightsThatFadedAway(isSymmetric: Bool) throws {
    var options = QuantizationOptions()
    (options.mode, options.bits, options.block, options.isSymmetric) = (.weights, 8, 32, isSymmetric)
    let least = Float.leastNonzeroMagnitude
    for faded in [[36 * least, 36 * least], [36 * least, 0], [-36 * least, 20 * least]] {
      let exact = (0..<40).map { $0 < 32 ? Float($0 - 16) : faded[$0 % 2] }
      let filters = Filters(columns: 1, rows: 40, values: try Tensor(.float, [1, 40], exact))
      try BlockWeights(filters, options).restore(filters)
      for (found, value) in zip(filters.values.elements(as: Float.self), exact).dropFirst(32) {
        #expect(abs(found - value) <= 36 * least)
      }
    }
  }

  /// Sums of what was lost overflow: a code is a code all the same.
  @Test func codesOfNoNumbers() {
    let grid = Grid(scale: 2, zero: 8, low: 0, high: 15)
    #expect([Float.nan, .infinity, -.infinity].map { grid.code($0) } == [0, 15, 0])
  }
}
