import MaasCore

/// What calibration saw of a value: the ends of its range, 0 always inside, and for most methods how often what was
/// there.
struct ValueRange {
  let name: String
  private(set) var low: Float = 0
  private(set) var high: Float = 0
  private var histogram: Histogram?

  init(_ name: String, _ method: QuantizationOptions.Method) {
    self.name = name
    if method != .minmax { histogram = Histogram() }
  }

  mutating func add(_ tensor: Tensor) throws(MaasError) {
    let run = Run(base: tensor.floats, count: tensor.count)
    let range = run.range
    guard range.lowerBound.isFinite, range.upperBound.isFinite, tensor.isFinite else {
      throw MaasError(.outOfRange, "the model makes NaN or infinity of it", tensor: name)
    }
    low = min(low, range.lowerBound)
    high = max(high, range.upperBound)
    histogram?.add(tensor.floats, tensor.count, range: range)
  }

  /// Bytes for the part of the range that the method takes; nil where all was 0.
  func ends(_ method: QuantizationOptions.Method) -> ClosedRange<Float>? {
    guard high > low else { return nil }
    guard let histogram else { return low...high }
    let search = RangeSearch(histogram, low, high)
    switch method {
    case .minmax: return low...high
    case .percentile: return search.percentile(0.99999)
    case .mse: return search.leastSquares()
    case .entropy: return search.leastDivergence()
    }
  }
}

extension Grid {
  /// Unsigned bytes for a range that holds 0.
  init(bytes range: ClosedRange<Float>) {
    let scale = (range.upperBound - range.lowerBound) / 255
    self.init(
      scale: scale, zero: (-range.lowerBound / scale).rounded(.toNearestOrEven), low: 0, high: 255)
  }
}
