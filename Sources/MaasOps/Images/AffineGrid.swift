import MaasCore
import MaasGraph

/// The positions, last dimension first, that a grid over -1...1 has after an affine map; GridSample takes them.
package final class AffineGrid: ReadableOperator {
  package let name = "AffineGrid"
  private let corners: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    corners = try reader.int("align_corners") ?? 0 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.floats)
    try node.expectDType(1, [.int64])
    try node.expectRank(0, 3)
    let dtype = try node.dtype(0)
    guard let size = try node.dims(1) else {
      let rank = try node.shape(1)?.first?.value
      return node.setOutput(0, dtype, rank.flatMap { $0 == 4 || $0 == 5 ? node.unknownShape(rank: $0) : nil })
    }
    guard size.count == 4 || size.count == 5, size.allSatisfy({ ($0.value ?? 0) >= 0 }) else {
      throw MaasError(
        .shapeMismatch, "the size is not one of images", expected: "4 or 5 numbers, none negative",
        found: Shape(size).text)
    }
    let rank = size.count - 2
    var batch = size[0]
    if let theta = try node.shape(0) {
      batch = try unified(theta[0], size[0], "the batches of theta and the size")
      _ = try unified(theta[1], .known(rank), "the rows of theta and the size's dimensions")
      _ = try unified(theta[2], .known(rank + 1), "the columns of theta and the size's dimensions")
    }
    node.setOutput(0, dtype, [batch] + size[2...] + [.known(rank)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let theta = try node.floating(try node.input(0))
    let target = try node.target(y, theta.dtype)
    let rank = y.rank - 2
    let params = AffineParams(
      corners: corners, rank: rank, points: y.shape[1...rank].reduce(1, *),
      sizes: inlineSizes(Array(y.shape[1...rank])))
    node.emit(
      { dispatch(AffineKernel.self, Chunk($0, $1, $2, $3)) }, [theta, target], params, dtype: theta.dtype,
      items: y.count / max(1, rank), grain: grain(nanoseconds: 20))
    node.narrow(target, into: y)
  }
}

private struct AffineParams {
  let corners: Bool
  let rank, points: Int
  let sizes: InlineArray<3, Int>
}

/// theta, y. Items are positions.
private enum AffineKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(AffineParams.self).pointee
    let (rank, width) = (p.rank, p.rank + 1)
    for item in chunk.begin..<chunk.end {
      let theta = chunk.input(0, as: T.self) + item / p.points * rank * width
      let y = chunk.output(1, as: T.self) + item * rank
      let x = position(item % p.points, p, type)
      for row in 0..<rank {
        var sum = theta[row * width + rank]
        for d in 0..<rank { sum += theta[row * width + d] * x[d] }
        y[row] = sum
      }
    }
    return StepStatus.ok
  }

  /// Coordinates of a point of the grid, last dimension first.
  @inline(__always)
  private static func position<T: BinaryFloatingPoint>(
    _ point: Int, _ p: AffineParams, _ type: T.Type
  ) -> InlineArray<3, T> {
    var (rest, x) = (point, InlineArray<3, T>(repeating: 0))
    for d in 0..<p.rank {
      let size = p.sizes[p.rank - 1 - d]
      let i = T(rest % size)
      rest /= size
      if p.corners { x[d] = size > 1 ? 2 * i / T(size - 1) - 1 : 0 } else { x[d] = (2 * i + 1) / T(size) - 1 }
    }
    return x
  }
}
