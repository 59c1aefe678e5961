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
  /// NaN becomes the lowest, so that codes are always whole numbers.
  fileprivate func clamped(_ low: Float, _ high: Float) -> Float {
    self > low ? (self < high ? self : high) : low
  }

  fileprivate func scaled(_ exponent: Int) -> Float {
    Float(sign: .plus, exponent: exponent, significand: self)
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

  /// The least and the largest of them.
  var ends: (low: Float, high: Float) {
    var (low, high) = (Float.infinity, -Float.infinity)
    for i in 0..<count { (low, high) = (min(low, base[i]), max(high, base[i])) }
    return (low, high)
  }

  var mean: Float {
    var sum = SIMD8<Float>.zero
    for i in stride(from: 0, to: count, by: 8) { sum += eight(i) }
    return sum.sum() / Float(count)
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

  /// Sums of the codes, of their squares and of their products with the values.
  func sums(_ grid: Grid) -> (codes: Float, squares: Float, products: Float) {
    var (sum, squares, products) = (SIMD8<Float>.zero, SIMD8<Float>.zero, SIMD8<Float>.zero)
    let inverse = 1 / grid.scale
    for i in stride(from: 0, to: count, by: 8) {
      let some = eight(i)
      let codes = Run.codes(some, grid, inverse)
      sum += codes
      squares += codes * codes
      products += codes * some
    }
    // Of the zeros behind the end.
    let (more, code) = (Float((8 - count % 8) % 8), Run.codes(SIMD8.zero, grid, inverse)[0])
    return (sum.sum() - more * code, squares.sum() - more * code * code, products.sum())
  }

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

  /// The grid that is found for the numbers, or for those times a power of two where their squares would overflow or
  /// vanish.
  private func near1(_ find: (Run) -> Grid) -> Grid {
    let (peak, usual) = (peak, -40...40)
    guard peak > 0, peak.isFinite, !usual.contains(peak.exponent) else { return find(self) }
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { numbers in
      for i in 0..<count { numbers[i] = base[i].scaled(-peak.exponent) }
      guard let first = numbers.baseAddress else { return find(self) }
      var grid = find(Run(base: first, count: count))
      grid.scale = grid.scale.scaled(peak.exponent)
      if grid.scale == 0 { grid.scale = .leastNonzeroMagnitude }
      return grid
    }
  }

  /// Signed bytes around 0, or around a zero point of their own where that loses less.
  func signedBytes(isSymmetric: Bool) -> Grid { near1 { $0.plainSignedBytes(isSymmetric) } }

  private func plainSignedBytes(_ isSymmetric: Bool) -> Grid {
    let range = range
    let peak = max(-range.lowerBound, range.upperBound)
    // A scale without weights behind it must still be one.
    guard peak > 0 else { return Grid(scale: 1, zero: 0, low: -127, high: 127) }
    var grids: [Grid] = []
    for share in Run.shares {
      grids.append(Grid(scale: peak * share / 127, zero: 0, low: -127, high: 127))
      if isSymmetric { continue }
      let scale = (range.upperBound - range.lowerBound) * share / 255
      let zero = max(-128, (-128 - range.lowerBound / scale).rounded(.toNearestOrEven))
      grids.append(Grid(scale: scale, zero: min(zero, 127), low: -128, high: 127))
    }
    return best(grids)
  }

  /// Codes of a block from 0 on. Without zero points of its own its zero is in the middle, and the scale may be
  /// negative, as there is one more code on one side. A zero point is a code, but of 2 bits any number.
  func blockCodes(bits: Int, isSymmetric: Bool) -> Grid { near1 { $0.plainBlockCodes(bits, isSymmetric) } }

  private func plainBlockCodes(_ bits: Int, _ isSymmetric: Bool) -> Grid {
    if bits < 8 { return fewCodes(bits: bits, isSymmetric: isSymmetric) }
    let (low, high) = (range.lowerBound, range.upperBound)
    let (last, middle) = (Float((1 << bits) - 1), Float(1 << (bits - 1)))
    // Code 0 for 0 multiplies to exactly nothing.
    guard high > low else { return Grid(scale: 1, zero: isSymmetric ? middle : 0, low: 0, high: last) }
    var grids: [Grid] = []
    for share in Run.shares {
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

  /// The parts of the whole range that are tried. With many codes a thousandth more of scale rounds the numbers
  /// otherwise, and some of those ways lose much less.
  private static let shares: [Float] = [0.8, 0.85, 0.9, 0.95] + (0..<48).map { 1 + Float($0) / 1000 }
}
