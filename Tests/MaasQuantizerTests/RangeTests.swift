import MaasCore
import Testing

@testable import MaasQuantizer

/// Normally distributed numbers: sums of twelve uniform ones.
private func normal(_ count: Int) -> [Float] {
  let numbers = noise(count * 12, seed: 5)
  return (0..<count).map { i in numbers[i * 12..<i * 12 + 12].reduce(0, +) / 2 }
}

@Suite struct RangeTests {
  private func histogram(_ parts: [[Float]]) -> (Histogram, Float, Float) {
    var histogram = Histogram()
    for part in parts {
      histogram.add(part, part.count, range: min(part.min()!, 0)...max(part.max()!, 0))
    }
    let all = parts.flatMap { $0 }
    return (histogram, all.min()!, all.max()!)
  }

  @Test func wideningLosesNothing() {
    let parts = [noise(1000), noise(1000, seed: 2).map { $0 * 7 }, [-100, 3]]
    let (histogram, _, _) = histogram(parts)
    #expect(histogram.counts.reduce(0, +) == 2002)
    #expect(histogram.reach >= 100)
    let inside = parts.flatMap { $0 }.count { $0 >= -0.5 && $0 < 0.5 }
    let bins = (0..<Histogram.bins).filter { abs(histogram.center($0)) < 0.5 }
    let counted = bins.reduce(0) { $0 + histogram.counts[$1] }
    #expect(abs(counted - Double(inside)) < 0.2 * Double(inside))
  }

  @Test func percentileOfUniformNumbers() {
    let (histogram, low, high) = histogram([noise(200_000)])
    let range = RangeSearch(histogram, low, high).percentile(0.9)
    #expect(abs(range.lowerBound + 0.9) < 0.01)
    #expect(abs(range.upperBound - 0.9) < 0.01)
  }

  /// For a normal distribution and 256 levels the best uniform step is 0.0308 sigma (Hui and Neuhoff), so that codes
  /// reach to 3.94 sigma.
  @Test func leastSquaresOfNormalNumbers() {
    let (histogram, low, high) = histogram([normal(300_000)])
    let range = RangeSearch(histogram, low, high).leastSquares()
    #expect(3.2 < range.upperBound && range.upperBound < 4.6)
    #expect(3.2 < -range.lowerBound && -range.lowerBound < 4.6)
  }

  /// Zeros cost nothing: half of all numbers being 0, as behind a Relu, changes nothing.
  @Test func leastSquaresOfHalfOfNormalNumbers() {
    let positive = normal(300_000).filter { $0 > 0 }
    let (few, low, high) = histogram([positive])
    let (many, _, _) = histogram([positive, [Float](repeating: 0, count: positive.count)])
    let ranges = [few, many].map { RangeSearch($0, low, high).leastSquares() }
    #expect(ranges[0] == ranges[1])
  }

  @Test func divergenceIgnoresOutliers() {
    let (histogram, low, high) = histogram([normal(100_000), [60]])
    let range = RangeSearch(histogram, low, high).leastDivergence()
    #expect(range.upperBound < 30)
    #expect(range.upperBound > 1.5)
  }

  @Test func constantZeroHasNoRange() throws {
    var range = ValueRange("x", .minmax)
    try range.add(try Tensor(.float, [3], [Float](repeating: 0, count: 3)))
    #expect(range.ends(.minmax) == nil)
    #expect(throws: MaasError.self) { try range.add(try Tensor(.float, [2], [Float.nan, 1])) }
  }

  /// 0 is a code of its own.
  @Test func zeroIsExact() {
    for range in [-1...3, 0...0.7, -5...0] as [ClosedRange<Float>] {
      let grid = Grid(bytes: range)
      #expect(grid.value(grid.code(0)) == 0)
      #expect((0...255).contains(grid.zero))
    }
  }
}
