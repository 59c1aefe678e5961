import MaasCore
import MaasGraph
import MaasONNX

extension Tensor {
  /// Floats of a tensor from element `first` on, without a copy.
  func view(_ shape: [Int], at first: Int) throws(MaasError) -> Tensor {
    let size = MemoryLayout<Float>.size
    guard let count = elementCount(shape), let part = storage.slice(first * size, count * size) else {
      throw MaasError(.internal, "a tensor is larger than its memory")
    }
    return try Tensor(.float, shape, storage: part)
  }

  /// Makes the rows of a matrix orthogonal to each other, and 1 long: the method of Gram and Schmidt, twice for
  /// rounding. Rows are taken in blocks, so that most of the work are products of matrices.
  func makeOrthonormal() throws(MaasError) {
    let (rows, width) = (shape[0], shape[1])
    var graph = Graph("")
    let products = try graph.made("Gemm", opset: networkOpset, [Attribute("transB", .int(1))], 2, 1)
    let rest = try graph.made("Gemm", opset: networkOpset, [Attribute("alpha", .float(-1))], 3, 1)
    for first in stride(from: 0, to: rows, by: Self.block) {
      let block = try view([min(Self.block, rows - first), width], at: first * width)
      let before = try view([first, width], at: 0)
      for _ in 0..<2 {
        if first > 0, let lengths = try evaluate(products, [block, before], outputs: [true])?[0],
          let left = try evaluate(rest, [lengths, before, block], outputs: [true])?[0]
        {
          block.assign(left)
        }
        block.orthonormalizeEach()
      }
    }
  }
  private static var block: Int { 32 }

  /// The same, row by row.
  private func orthonormalizeEach() {
    let (count, width) = (shape[0], shape[1])
    let rows = bytes.assumingMemoryBound(to: Float.self)
    for i in 0..<count {
      let own = rows + i * width
      for j in 0..<i {
        let other = rows + j * width
        let length = Float(dot(own, other, width))
        for k in 0..<width { own[k] -= length * other[k] }
      }
      let length = dot(own, own, width).squareRoot()
      let factor = length > 0 ? Float(1 / length) : 0
      for k in 0..<width { own[k] *= factor }
    }
  }
}

/// Four sums side by side, which a CPU adds to at once.
private func dot(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Double {
  var sums = SIMD4<Double>()
  let whole = count / 4 * 4
  for k in stride(from: 0, to: whole, by: 4) {
    let (x, y) = (SIMD4(a[k], a[k + 1], a[k + 2], a[k + 3]), SIMD4(b[k], b[k + 1], b[k + 2], b[k + 3]))
    sums += SIMD4<Double>(x) * SIMD4<Double>(y)
  }
  var sum = sums.sum()
  for k in whole..<count { sum += Double(a[k]) * Double(b[k]) }
  return sum
}
