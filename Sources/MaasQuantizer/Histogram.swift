/// How often a value lies where: bins from -reach to reach. What lies farther out doubles the reach, and two bins
/// become one.
struct Histogram {
  static let bins = 4096
  private(set) var reach: Float = 0
  private(set) var counts = [Double](repeating: 0, count: bins)

  var binWidth: Float { 2 * reach / Float(Histogram.bins) }

  /// The middle of a bin.
  func center(_ i: Int) -> Float { (Float(i) + 0.5) * binWidth - reach }

  mutating func add(_ values: UnsafePointer<Float>, _ count: Int, range: ClosedRange<Float>) {
    let peak = max(-range.lowerBound, range.upperBound)
    guard peak > 0 else { return addZeros(count) }
    if reach == 0 { reach = peak }
    while reach < peak { widen() }
    let scale = Float(Histogram.bins) / (2 * reach)
    counts.withUnsafeMutableBufferPointer { counts in
      for i in 0..<count {
        let bin = Int((values[i] + reach) * scale)
        counts[min(max(bin, 0), Histogram.bins - 1)] += 1
      }
    }
  }

  private mutating func addZeros(_ count: Int) { counts[Histogram.bins / 2] += Double(count) }

  private mutating func widen() {
    var wider = [Double](repeating: 0, count: Histogram.bins)
    for i in 0..<Histogram.bins { wider[Histogram.bins / 4 + i / 2] += counts[i] }
    counts = wider
    reach *= 2
  }
}
