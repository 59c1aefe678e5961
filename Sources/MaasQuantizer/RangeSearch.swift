import CMaasSystem

/// Looks for the part of a range that bytes are best spent on.
struct RangeSearch {
  private let histogram: Histogram
  private let low, high: Float
  private let total: Double
  /// The bins with anything in them.
  private let used: Range<Int>

  init(_ histogram: Histogram, _ low: Float, _ high: Float) {
    (self.histogram, self.low, self.high) = (histogram, low, high)
    total = histogram.counts.reduce(0, +)
    let first = histogram.counts.firstIndex { $0 > 0 } ?? 0
    let last = histogram.counts.lastIndex { $0 > 0 } ?? 0
    used = first..<last + 1
  }

  /// Leaves out what lies outermost, half of it at each end.
  func percentile(_ kept: Double) -> ClosedRange<Float> {
    let tail = total * (1 - kept) / 2
    let left = edge(used.lowerBound, 1, tail)
    let right = edge(used.upperBound - 1, -1, tail)
    let half = histogram.binWidth / 2
    return hull(max(low, histogram.center(left) - half), min(high, histogram.center(right) + half))
  }

  /// The bin at which more than `tail` has been passed.
  private func edge(_ start: Int, _ step: Int, _ tail: Double) -> Int {
    var (i, passed) = (start, 0.0)
    while used.contains(i) {
      passed += histogram.counts[i]
      if passed > tail { return i }
      i += step
    }
    return start
  }

  private func hull(_ a: Float, _ b: Float) -> ClosedRange<Float> {
    let (a, b) = (min(a, 0), max(b, 0))
    return a < b ? a...b : low...high
  }

  /// The range with the least value of a measure: both ends are moved in turn until that gains nothing.
  private func search(_ measure: (ClosedRange<Float>) -> Double) -> ClosedRange<Float> {
    var (best, least) = (low...high, measure(low...high))
    for _ in 0..<2 {
      for movesHigh in [true, false] {
        for step in 1...64 {
          let share = 1 - Float(step) / 80
          let range = movesHigh ? hull(best.lowerBound, high * share) : hull(low * share, best.upperBound)
          let value = measure(range)
          if value < least { (best, least) = (range, value) }
        }
      }
    }
    return best
  }

  func leastSquares() -> ClosedRange<Float> {
    search { range in
      let step = Double(range.upperBound - range.lowerBound) / 255
      var sum = 0.0
      for i in used where histogram.counts[i] > 0 {
        let center = histogram.center(i)
        let lost = Double(center - min(max(center, range.lowerBound), range.upperBound))
        sum += count(i) * (lost == 0 ? step * step / 12 : lost * lost)
      }
      return sum
    }
  }

  /// Of a bin. 0 is a code of its own: how many zeros there are, as after a Relu, says nothing of the range.
  private func count(_ i: Int) -> Double {
    let zero = Histogram.bins / 2
    return i == zero ? max(histogram.counts[zero - 1], histogram.counts[zero + 1]) : histogram.counts[i]
  }

  func leastDivergence() -> ClosedRange<Float> { search { divergence($0) } }

  /// How much the distribution in the range, with what lies outside at its ends, tells that its 256 codes do not.
  private func divergence(_ range: ClosedRange<Float>) -> Double {
    let width = histogram.binWidth
    let first = max(used.lowerBound, Int((range.lowerBound + histogram.reach) / width))
    let last = min(used.upperBound - 1, Int((range.upperBound + histogram.reach) / width))
    guard last > first, (first...last).contains(Histogram.bins / 2) else { return .infinity }
    var inside = Array(histogram.counts[first...last])
    inside[Histogram.bins / 2 - first] = count(Histogram.bins / 2)
    let codes = RangeSearch.spread(inside)
    inside[0] += histogram.counts[used.lowerBound..<first].reduce(0, +)
    inside[inside.count - 1] += histogram.counts[(last + 1)...].reduce(0, +)
    return RangeSearch.divergence(inside, codes)
  }

  /// What 256 codes say of the bins: each code's count is spread over those of its bins that hold something.
  private static func spread(_ bins: [Double]) -> [Double] {
    var result = [Double](repeating: 0, count: bins.count)
    for code in 0..<256 {
      let part = code * bins.count / 256..<(code + 1) * bins.count / 256
      let filled = part.count { bins[$0] > 0 }
      let sum = part.reduce(0) { $0 + bins[$1] }
      for i in part where bins[i] > 0 { result[i] = sum / Double(filled) }
    }
    return result
  }

  /// Kullback and Leibler's divergence, less what chance alone makes of it: with a finite count of values, each bin
  /// more than there are codes adds half a value (Miller and Madow).
  private static func divergence(_ p: [Double], _ q: [Double]) -> Double {
    let (pSum, qSum) = (p.reduce(0, +), q.reduce(0, +))
    let filled = p.count { $0 > 0 }
    var sum = -Double(max(filled - 256, 0)) / (2 * pSum)
    for (p, q) in zip(p, q) where p > 0 {
      // A bin that only holds what lay outside: as if the codes gave it a trace.
      sum += p / pSum * maas_sys_log(p / pSum / max(q / qSum, 1e-9))
    }
    return sum
  }
}
