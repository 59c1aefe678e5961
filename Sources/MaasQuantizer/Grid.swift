/// Whole numbers from `low` to `high` that stand for floats: value = (code - zero) scale.
struct Grid {
  var scale: Float
  var zero: Float
  var low: Float
  var high: Float

  /// The nearest code, halves to even.
  func code(_ value: Float) -> Float { (value / scale + zero).rounded(.toNearestOrEven).clamped(low, high) }

  func value(_ code: Float) -> Float { (code - zero) * scale }
}

extension Float {
  fileprivate func clamped(_ low: Float, _ high: Float) -> Float {
    self < low ? low : self > high ? high : self
  }
}

/// Some floats side by side.
struct Run {
  let base: UnsafePointer<Float>
  let count: Int

  /// Eight of them; zeros behind the end.
  @inline(__always)
  private func eight(_ i: Int) -> SIMD8<Float> {
    if i + 8 <= count {
      return UnsafeRawPointer(base + i).loadUnaligned(as: SIMD8<Float>.self)
    }
    var some = SIMD8<Float>.zero
    for j in i..<count { some[j - i] = base[j] }
    return some
  }

  var range: ClosedRange<Float> {
    var (low, high) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
    for i in stride(from: 0, to: count, by: 8) {
      let some = eight(i)
      low.replace(with: some, where: some .< low)
      high.replace(with: some, where: some .> high)
    }
    return low.min()...high.max()
  }

  var peak: Float { max(-range.lowerBound, range.upperBound) }

  /// The sum of squares of what rounding to the grid loses.
  func error(_ grid: Grid) -> Float {
    var sum = SIMD8<Float>.zero
    let inverse = 1 / grid.scale
    for i in stride(from: 0, to: count, by: 8) {
      let some = eight(i)
      let lost = (Run.codes(some, grid, inverse) - grid.zero) * grid.scale - some
      sum += lost * lost
    }
    return sum.sum()
  }

  /// The grid with the scale that fits best to the codes that it gives.
  func fitted(_ grid: Grid) -> Grid {
    var (products, squares) = (SIMD8<Float>.zero, SIMD8<Float>.zero)
    let inverse = 1 / grid.scale
    for i in stride(from: 0, to: count, by: 8) {
      let some = eight(i)
      let steps = Run.codes(some, grid, inverse) - grid.zero
      products += steps * some
      squares += steps * steps
    }
    var fitted = grid
    let square = squares.sum()
    if square > 0 { fitted.scale = products.sum() / square }
    return fitted
  }

  /// The sum of the codes' distances from the values, in steps: what a zero point would have to take.
  @inline(__always)
  private static func codes(_ some: SIMD8<Float>, _ grid: Grid, _ inverse: Float) -> SIMD8<Float> {
    var codes = some * inverse + grid.zero
    codes.replace(with: grid.low, where: codes .< grid.low)
    codes.replace(with: grid.high, where: codes .> grid.high)
    // Adding 1.5 * 2^23 leaves no bits behind the point.
    return (codes + 12_582_912) - 12_582_912
  }
}

extension Run {
  /// The best of some grids, then its scale and codes fitted to each other until that gains nothing: each step can only
  /// lower the squared error.
  func best(_ grids: [Grid]) -> Grid {
    var (best, least) = (Grid(scale: 1, zero: 0, low: 0, high: 0), Float.infinity)
    for grid in grids {
      let error = error(grid)
      if error < least { (best, least) = (grid, error) }
    }
    for _ in 0..<6 {
      let next = fitted(best)
      guard next.scale != 0, next.scale != best.scale else { break }
      let error = error(next)
      guard error < least else { break }
      (best, least) = (next, error)
    }
    return best
  }

  /// Signed bytes around 0, or around a zero point of their own where that loses less.
  func signedBytes(isSymmetric: Bool) -> Grid {
    let range = range
    let peak = max(-range.lowerBound, range.upperBound)
    // A scale without weights behind it must still be one.
    guard peak > 0 else { return Grid(scale: 1, zero: 0, low: -127, high: 127) }
    var grids: [Grid] = []
    for share in Run.shares(8) {
      grids.append(Grid(scale: peak * share / 127, zero: 0, low: -127, high: 127))
      if isSymmetric { continue }
      let scale = (range.upperBound - range.lowerBound) * share / 255
      let zero = max(-128, (-128 - range.lowerBound / scale).rounded(.toNearestOrEven))
      grids.append(Grid(scale: scale, zero: min(zero, 127), low: -128, high: 127))
    }
    return best(grids)
  }

  /// Codes of a block from 0 on. Without zero points of its own its zero is in the middle, and the scale may be
  /// negative, as there is one more code on one side.
  func blockCodes(bits: Int, isSymmetric: Bool) -> Grid {
    let (low, high) = (range.lowerBound, range.upperBound)
    let (last, middle) = (Float((1 << bits) - 1), Float(1 << (bits - 1)))
    // Code 0 for 0 multiplies to exactly nothing.
    guard high > low else { return Grid(scale: 1, zero: isSymmetric ? middle : 0, low: 0, high: last) }
    var grids: [Grid] = []
    for share in Run.shares(bits) {
      if isSymmetric {
        let sign: Float = high > -low ? -1 : 1
        let scale = share * max(-low, high) / middle
        for scale in [scale * sign, -scale * sign, sign * scale * middle / (middle - 0.5)] {
          grids.append(Grid(scale: scale, zero: middle, low: 0, high: last))
        }
      } else {
        let scale = share * (high - low) / last
        let zero = (-low / (high - low) * last).rounded(.down)
        for zero in [zero, min(zero + 1, last)] {
          grids.append(Grid(scale: scale, zero: zero, low: 0, high: last))
        }
      }
    }
    return best(grids)
  }

  /// The parts of the whole range that are tried: the fewer codes there are, the more is gained by cutting off. With
  /// many codes a thousandth more of scale rounds the numbers otherwise, and some of those ways lose much less.
  private static func shares(_ bits: Int) -> [Float] {
    if bits == 8 { return [0.8, 0.85, 0.9, 0.95] + (0..<48).map { 1 + Float($0) / 1000 } }
    let least: Float = bits == 4 ? 0.6 : 0.3
    return (0...12).map { 1 - (1 - least) * Float($0) / 12 }
  }
}
