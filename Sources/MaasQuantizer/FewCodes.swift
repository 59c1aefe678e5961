/// What may stand for 0 in a grid of few codes.
private enum ZeroPoint {
  /// What the grid has.
  case kept
  /// A code: products of 4 bits are fast everywhere with it, also in ONNX Runtime.
  case code
  /// Any number, so that codes and values meet on a line: of four codes, one that must stand for 0 costs too much.
  case number
}

/// Grids of few codes, where much depends on what is cut off.
extension Run {
  /// Of many grids the one whose codes lose least with the best scale and zero point for them (least squares); then
  /// both are fitted to each other until that gains nothing.
  func fewCodes(bits: Int, isSymmetric: Bool) -> Grid {
    let (low, high) = ends
    let (last, middle) = (Float((1 << bits) - 1), Float(1 << (bits - 1)))
    if isSymmetric {
      let grids = Run.around(middle, max(-low, high), last)
      return best(grids, .kept, otherwise: Grid(scale: 1, zero: middle, low: 0, high: last))
    }
    // Code 0 for 0 multiplies to exactly nothing.
    guard high > low else { return Grid(scale: low == 0 ? 1 : low, zero: 0, low: 0, high: last) }
    let (grids, empty) = (Run.between(low, high, last), Grid(scale: 1, zero: 0, low: 0, high: last))
    return bits == 4
      ? best(grids.map(\.withZeroCode), .code, otherwise: empty) : best(grids, .number, otherwise: empty)
  }

  /// Grids with code `middle` for 0 and scales of both signs, as there is one more code on one side.
  private static func around(_ middle: Float, _ peak: Float, _ last: Float) -> [Grid] {
    shares(last, 14).flatMap { share in
      [share, -share].map { Grid(scale: $0 * peak / middle, zero: middle, low: 0, high: last) }
    }
  }

  /// Either end of the range moved towards its middle; and the usual grid, of all of the range with a code for 0.
  private static func between(_ low: Float, _ high: Float, _ last: Float) -> [Grid] {
    let (middle, half, shares) = (low / 2 + high / 2, high / 2 - low / 2, shares(last, 5))
    var grids = shares.flatMap { first in
      shares.map { grid(middle - half * first, middle + half * $0, last) }
    }
    var whole = grid(min(low, 0), max(high, 0), last)
    whole.zero = whole.zero.rounded(.toNearestOrEven)
    grids.append(whole)
    return grids
  }

  private static func grid(_ low: Float, _ high: Float, _ last: Float) -> Grid {
    let scale = high / last - low / last
    return Grid(scale: scale, zero: -low / scale, low: 0, high: last)
  }

  /// From a whole to what may be left of it: the fewer codes there are, the more is gained by cutting off.
  private static func shares(_ last: Float, _ count: Int) -> [Float] {
    let least: Float = last > 3 ? 0.8 : 0.3
    return (0..<count).map { 1 - (1 - least) * Float($0) / Float(count - 1) }
  }

  /// `otherwise` where the numbers are so small that no grid has a scale.
  private func best(_ grids: [Grid], _ zero: ZeroPoint, otherwise: Grid) -> Grid {
    let mean = mean
    var best = (grid: otherwise, explained: -Float.infinity)
    for grid in grids where grid.isUsable {
      let next = fitted(grid, mean, zero)
      if next.explained > best.explained { best = next }
    }
    for _ in 0..<20 {
      let next = fitted(best.grid, mean, zero)
      guard next.explained > best.explained else { break }
      best = next
    }
    return best.grid
  }

  /// The grid with the scale, and zero point, that fit best to its codes, and how much of the squares of the values,
  /// or with a zero point of any number of their distances from the mean, that explains.
  private func fitted(_ grid: Grid, _ mean: Float, _ zero: ZeroPoint) -> (grid: Grid, explained: Float) {
    let sums = sums(grid)
    var center = zero == .kept ? grid.zero : sums.codes / Float(count)
    var line = fit(sums, mean, around: center)
    if zero == .code {
      center = grid.nearestCode(center - mean / line.scale)
      line = fit(sums, mean, around: center)
    }
    var fitted = grid
    fitted.scale = line.scale
    fitted.zero = zero == .number ? center - mean / line.scale : center
    // Sums of large numbers overflow.
    return fitted.isUsable && line.explained.isFinite ? (fitted, line.explained) : (grid, 0)
  }

  /// The scale of least squares for codes around a center, and what it explains.
  private func fit(
    _ sums: (codes: Float, squares: Float, products: Float), _ mean: Float, around center: Float
  ) -> (scale: Float, explained: Float) {
    let n = Float(count)
    let spread = sums.squares - 2 * center * sums.codes + center * center * n
    let together = sums.products - center * mean * n
    guard spread > 0 else { return (0, 0) }
    return (together / spread, together * (together / spread))
  }
}

extension Grid {
  fileprivate var isUsable: Bool { scale != 0 && scale.isFinite && zero.isFinite }

  fileprivate var withZeroCode: Grid {
    Grid(scale: scale, zero: nearestCode(zero), low: low, high: high)
  }

  /// Also for what is not a number, which no comparison holds for.
  fileprivate func nearestCode(_ number: Float) -> Float {
    number > low ? min(number.rounded(.toNearestOrEven), high) : low
  }
}
