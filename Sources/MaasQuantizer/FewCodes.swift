/// Grids of few codes, where much depends on what is cut off. A zero point of its own is any number then, so that codes
/// and values meet on a line.
extension Run {
  /// Of many grids the one whose codes lose least with the best scale and zero point for them (least squares); then
  /// both are fitted to each other until that gains nothing.
  func fewCodes(bits: Int, isSymmetric: Bool) -> Grid {
    let (low, high) = ends
    let (last, middle) = (Float((1 << bits) - 1), Float(1 << (bits - 1)))
    if isSymmetric {
      let grids = Run.around(middle, max(-low, high), last)
      return best(grids, movesZero: false, otherwise: Grid(scale: 1, zero: middle, low: 0, high: last))
    }
    // Code 0 for 0 multiplies to exactly nothing.
    guard high > low else { return Grid(scale: low == 0 ? 1 : low, zero: 0, low: 0, high: last) }
    let grids = Run.between(low, high, last)
    return best(grids, movesZero: true, otherwise: Grid(scale: 1, zero: 0, low: 0, high: last))
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
  private func best(_ grids: [Grid], movesZero: Bool, otherwise: Grid) -> Grid {
    let mean = mean
    var best = (grid: otherwise, explained: -Float.infinity)
    for grid in grids where grid.isUsable {
      let next = fitted(grid, mean, movesZero)
      if next.explained > best.explained { best = next }
    }
    for _ in 0..<20 {
      let next = fitted(best.grid, mean, movesZero)
      guard next.explained > best.explained else { break }
      best = next
    }
    return best.grid
  }

  /// The grid with the scale, and zero point, that fit best to its codes, and how much of the squares of the values,
  /// or of their distances from the mean, that explains.
  private func fitted(_ grid: Grid, _ mean: Float, _ movesZero: Bool) -> (grid: Grid, explained: Float) {
    let (found, n) = (sums(grid), Float(count))
    let center = movesZero ? found.codes / n : grid.zero
    let spread = found.squares - 2 * center * found.codes + center * center * n
    let together = found.products - center * mean * n
    guard spread > 0, together != 0 else { return (grid, 0) }
    var fitted = grid
    fitted.scale = together / spread
    if movesZero { fitted.zero = center - mean / fitted.scale }
    let explained = together * fitted.scale
    // Sums of large numbers overflow.
    return fitted.isUsable && explained.isFinite ? (fitted, explained) : (grid, 0)
  }
}

extension Grid {
  fileprivate var isUsable: Bool { scale != 0 && scale.isFinite && zero.isFinite }
}
