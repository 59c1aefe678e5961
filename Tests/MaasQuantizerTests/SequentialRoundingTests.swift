import MaasCore
import Testing

@testable import MaasQuantizer

@Suite struct SequentialRoundingTests {
  /// H of inputs that go together: x[j] is in part x[j - 1].
  private func gram(_ size: Int) throws -> Tensor {
    var rows: [[Double]] = []
    for i in 0..<4 * size {
      var row = noise(size, seed: UInt64(i + 1)).map { Double($0) }
      for j in 1..<size { row[j] = 0.8 * row[j - 1] + 0.2 * row[j] }
      rows.append(row)
    }
    var h: [Double] = []
    for i in 0..<size {
      for j in 0..<size { h.append(rows.reduce(0) { $0 + $1[i] * $1[j] }) }
    }
    return try Tensor(.double, [size, size], h)
  }

  @Test func sharesOfTwo() throws {
    // H = [[2, 1], [1, 2]] and 1 % of the mean of its diagonal: the share of the first in the second is H01 / H11.
    let triangle = try Triangle(
      try Tensor(.double, [2, 2], [2.0, 1, 1, 2]), size: 2, rows: 1 << 40, threads: 1)
    #expect(abs(triangle.shares(1)[0] - Float(1 / 2.02)) < 1e-6)
  }

  /// With two rows of two inputs an eighth more on the diagonal: 0.25 * 2 / (2 + 2).
  @Test func fewRowsAreDoubted() throws {
    let triangle = try Triangle(try Tensor(.double, [2, 2], [2.0, 1, 1, 2]), size: 2, rows: 2, threads: 1)
    #expect(abs(triangle.shares(1)[0] - Float(1 / 2.27)) < 1e-6)
  }

  /// U D U' is H again: with U's columns from the shares, H[j][k] - sum over m > k of U D U' is U[j][k] D[k].
  @Test func factorsAreOfTheMatrix() throws {
    let size = 90
    let h = try gram(size).elements(as: Double.self)
    let triangle = try Triangle(try gram(size), size: size, rows: 1 << 40, threads: 1)
    let extra = 0.01 * (0..<size).reduce(0.0) { $0 + h[$1 * size + $1] } / Double(size)
    var rest = h
    for i in 0..<size { rest[i * size + i] += extra }
    for k in (0..<size).reversed() {
      let pivot = rest[k * size + k]
      let shares = (0..<k).map { Double(triangle.shares(k)[$0]) }
      for j in 0..<k {
        #expect(abs(rest[j * size + k] - shares[j] * pivot) < 1e-3 * pivot)
        for i in 0..<k { rest[i * size + j] -= shares[i] * shares[j] * pivot }
      }
    }
  }

  /// The error of the layer's output is (w - r)' H (w - r): less than with each weight rounded by itself.
  @Test func losesLess() throws {
    let size = 64
    let h = try gram(size).elements(as: Double.self)
    var options = QuantizationOptions()
    (options.mode, options.bits, options.block) = (.weights, 4, 32)
    func lost(_ round: (Filters) throws -> BlockWeights) throws -> Double {
      let exact = noise(5 * size, seed: 77)
      let filters = Filters(columns: 5, rows: size, values: try Tensor(.float, [5, size], exact))
      try round(filters).restore(filters)
      let difference = zip(exact, filters.values.elements(as: Float.self)).map { Double($0 - $1) }
      var sum = 0.0
      for column in 0..<5 {
        for i in 0..<size {
          for j in 0..<size {
            sum += difference[column * size + i] * h[i * size + j] * difference[column * size + j]
          }
        }
      }
      return sum
    }
    let triangle = try Triangle(try gram(size), size: size, rows: 1 << 40, threads: 1)
    let nearest = try lost { try BlockWeights($0, options) }
    let sequential = try lost { try BlockWeights($0, triangle, options) }
    #expect(sequential < 0.5 * nearest)
  }
}
