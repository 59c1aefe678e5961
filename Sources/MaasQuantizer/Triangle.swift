import MaasCore
import MaasRuntime

/// What rounding one weight of a column asks of those behind it, found from how their inputs go together: with
/// H = U D U' and U upper triangular with ones on its diagonal, weight k should take up U[j, k] of what each j before
/// it lost. That is GPTQ's update, without inverting H.
struct Triangle {
  let size: Int
  /// Row k holds the shares of the weights before k.
  private let shares: Tensor

  /// `gram` are the sums of products of `rows` inputs, size * size numbers; they are overwritten.
  init(_ gram: Tensor, size: Int, rows: Int, threads: Int) throws(MaasError) {
    self.size = size
    shares = try Tensor(.float, [size, size])
    let h = gram.bytes.assumingMemoryBound(to: Double.self)
    Triangle.damp(h, size, rows)
    Triangle.factor(h, size, threads)
    let out = shares.floats
    for k in 0..<size {
      // Column k of the factor, whose rows are `size` apart.
      let scale = 1 / h[k * size + k]
      for j in 0..<k { out[k * size + j] = Float(h[j * size + k] * scale) }
    }
  }

  /// Row k.
  func shares(_ k: Int) -> UnsafePointer<Float> { UnsafePointer(shares.floats + k * size) }

  /// Inputs that are always 0 or go together exactly would make H singular. And of few rows much goes together only by
  /// chance: the fewer there are, the less is believed.
  private static func damp(_ h: UnsafeMutablePointer<Double>, _ size: Int, _ rows: Int) {
    var sum = 0.0
    for i in 0..<size { sum += h[i * size + i] }
    let extra = sum > 0 ? 0.01 * sum / Double(size) : 1
    let doubt = 0.25 * Double(size) / Double(size + rows)
    for i in 0..<size { h[i * size + i] += extra + doubt * h[i * size + i] }
  }

  /// H = U U' in the upper half, from the last row up, a panel of columns at a time so that what is worked on stays in
  /// the cache.
  private static func factor(_ h: UnsafeMutablePointer<Double>, _ size: Int, _ threads: Int) {
    let width = 64
    var end = size
    while end > 0 {
      let begin = max(0, end - width)
      for k in (begin..<end).reversed() {
        let rowK = h + k * size
        let pivot = (max(rowK[k] - dot(rowK + k + 1, rowK + k + 1, end - k - 1), 1e-300)).squareRoot()
        rowK[k] = pivot
        for j in 0..<k {
          let rowJ = h + j * size
          rowJ[k] = (rowJ[k] - dot(rowJ + k + 1, rowK + k + 1, end - k - 1)) / pivot
        }
      }
      subtractPanel(h, size, begin..<end, threads)
      end = begin
    }
  }

  private static func subtractPanel(
    _ h: UnsafeMutablePointer<Double>, _ size: Int, _ panel: Range<Int>, _ threads: Int
  ) {
    let (tile, begin) = (64, panel.lowerBound)
    inParallel((begin + tile - 1) / tile, grain: 1, threads: threads) { tops in
      for top in tops {
        for left in stride(from: top * tile, to: begin, by: tile) {
          subtract(
            h, size, panel, rows: top * tile..<min((top + 1) * tile, begin), left..<min(left + tile, begin))
        }
      }
    }
  }

  /// From the tile's part above the diagonal.
  private static func subtract(
    _ h: UnsafeMutablePointer<Double>, _ size: Int, _ panel: Range<Int>, rows: Range<Int>,
    _ columns: Range<Int>
  ) {
    let begin = panel.lowerBound
    for j in rows {
      let row = h + j * size
      for k in max(columns.lowerBound, j)..<max(j, columns.upperBound) {
        row[k] -= dot(row + begin, h + k * size + begin, panel.count)
      }
    }
  }

  private static func dot(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
  ) -> Double {
    var (sum, i) = (SIMD8<Double>.zero, 0)
    while i + 8 <= count {
      let x = UnsafeRawPointer(a + i).loadUnaligned(as: SIMD8<Double>.self)
      sum += x * UnsafeRawPointer(b + i).loadUnaligned(as: SIMD8<Double>.self)
      i += 8
    }
    var rest = sum.sum()
    while i < count {
      rest += a[i] * b[i]
      i += 1
    }
    return rest
  }
}
