/// Codes whose errors nearly cancel. What a layer reads has a mean as a rule, as behind a ReLU, which meets the sum of
/// a block's errors: to have that small is worth a few weights that are not rounded to the nearest code (Guo et al.,
/// SQuant, 2022).
struct ErrorBalance {
  let grid: Grid
  /// What the square of the sum counts beside the sum of squares.
  private static let weight: Float = 0.1

  /// Moves codes of the values by one while that lowers the squared errors with that of their sum.
  func apply(_ values: UnsafePointer<Float>, _ codes: UnsafeMutableBufferPointer<Float>) {
    var sum: Float = 0
    for j in codes.indices { sum += lost(values, codes, j) }
    for _ in codes.indices {
      let step = grid.scale.magnitude * (sum < 0 ? -1 : 1)
      let change: Float = (step < 0) == (grid.scale < 0) ? 1 : -1
      guard let j = mostLost(values, codes, change) else { return }
      let error = lost(values, codes, j)
      guard step * (2 * error - step) + Self.weight * step * (2 * sum - step) > 0 else { return }
      codes[j] += change
      sum -= step
    }
  }

  private func lost(
    _ values: UnsafePointer<Float>, _ codes: UnsafeMutableBufferPointer<Float>, _ j: Int
  ) -> Float {
    values[j] - grid.value(codes[j])
  }

  /// The place whose error a change of its code lowers most.
  private func mostLost(
    _ values: UnsafePointer<Float>, _ codes: UnsafeMutableBufferPointer<Float>, _ change: Float
  ) -> Int? {
    var (best, most) = (Int?.none, -Float.infinity)
    for j in codes.indices where codes[j] + change >= grid.low && codes[j] + change <= grid.high {
      let gain = lost(values, codes, j) * change * grid.scale
      if gain > most { (best, most) = (j, gain) }
    }
    return best
  }
}
