import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// The determinants of square matrices, the last two dimensions.
package final class Det: ReadableOperator {
  package let name = "Det"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats)
    try node.expectMinimumRank(0, 2)
    let shape = try node.shape(0)
    if let shape { _ = try unified(shape[shape.count - 2], shape[shape.count - 1], "the sides of a matrix") }
    node.setOutput(0, try node.dtype(0), shape?.dropLast(2))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let wide = try node.floating(x)
    let result = try node.target(y, wide.dtype)
    let params = DetParams(side: x.shape[x.rank - 1], isDouble: wide.dtype == .double)
    node.emit(
      { dispatch(DetKernel.self, Chunk($0, $1, $2, $3)) }, [wide, result], params, dtype: wide.dtype,
      items: y.count, grain: grain(nanoseconds: params.side * params.side), scratch: params.scratch)
    node.narrow(result, into: y)
  }
}

private struct DetParams {
  /// Columns that are eliminated before the rest is updated, and columns of the rest that are updated together.
  static let panel = 32, tile = 512
  let side: Int
  /// Bytes of a matrix, of a packed tile, and of all with what the product needs.
  private(set) var matrix = 0, packed = 0, scratch = 0

  init(side: Int, isDouble: Bool) {
    self.side = side
    matrix = (side * side * (isDouble ? 8 : 4) + 63) / 64 * 64
    scratch = max(64, matrix)
    guard !isDouble, side > Self.panel else { return }
    let columns = min(Self.tile, side)
    packed = (Int(maas_f32_gemm_packed_bytes(Int64(Self.panel), Int64(columns))) + 63) / 64 * 64
    var product = product(rows: side, columns: columns)
    // Fewer rows are cut into other tiles, but not more than there are.
    scratch += packed + max(Int(maas_f32_gemm_split(&product).scratch), (side + 64) * Self.panel * 4)
  }

  /// A -= L U
  func product(rows: Int, columns: Int) -> maas_f32_gemm_params {
    var params = maas_f32_gemm_params()
    (params.m, params.n, params.k) = (Int64(rows), Int64(columns), Int64(Self.panel))
    (params.a_row, params.a_col, params.y_row, params.alpha) = (Int64(side), 1, Int64(side), -1)
    return params
  }
}

/// x, y. Items are matrices.
private enum DetKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let side = chunk.params(DetParams.self).pointee.side
    let memory = chunk.worker.pointee.scratch.unsafelyUnwrapped.assumingMemoryBound(to: T.self)
    for item in chunk.begin..<chunk.end {
      maas_sys_copy(
        memory, chunk.input(0, as: T.self) + item * side * side, side * side * MemoryLayout<T>.size)
      guard let result = Elimination(chunk: chunk, a: memory, n: side).determinant() else {
        return StepStatus.stopped
      }
      chunk.output(1, as: T.self)[item] = T(truncating: result)
    }
    return StepStatus.ok
  }
}

/// Gaussian elimination with row exchanges in place, panel by panel.
private struct Elimination<T: Number & BinaryFloatingPoint> {
  let chunk: Chunk
  let a: UnsafeMutablePointer<T>
  let n: Int

  /// The product of the pivots. Nil: the run ended before.
  func determinant() -> Double? {
    var result = 1.0
    for first in stride(from: 0, to: n, by: DetParams.panel) {
      let end = min(n, first + DetParams.panel)
      for k in first..<end {
        if n > 128, chunk.isStopped { return nil }
        result *= pivot(k, from: first)
        if result == 0 { return 0 }
        eliminate(k, k + 1..<end)
      }
      for k in first..<end where end < n { for i in k + 1..<max(end, k + 1) { subtract(k, i, end..<n) } }
      for column in stride(from: end, to: n, by: DetParams.tile) {
        if chunk.isStopped { return nil }
        update(first, end, column..<min(n, column + DetParams.tile))
      }
    }
    return result
  }

  /// Brings the row with the largest element of column `k` to place `k`; the pivot, negated for an exchange.
  private func pivot(_ k: Int, from first: Int) -> Double {
    var best = k
    for i in k..<n where a[i * n + k].magnitude > a[best * n + k].magnitude { best = i }
    if best == k { return a[k * n + k].double }
    for j in first..<n { (a[k * n + j], a[best * n + j]) = (a[best * n + j], a[k * n + j]) }
    return -a[k * n + k].double
  }

  /// Divides what is below pivot k by it and takes that often row k from the rows there.
  @inline(__always)
  private func eliminate(_ k: Int, _ columns: Range<Int>) {
    if T.self == Float.self {
      let floats = UnsafeMutableRawPointer(a).assumingMemoryBound(to: Float.self)
      return maas_f32_eliminate(floats, Int64(n), Int64(k), Int64(columns.upperBound))
    }
    for i in k + 1..<max(n, k + 1) {
      a[i * n + k] /= a[k * n + k]
      subtract(k, i, columns)
    }
  }

  /// Row i -= a[i, k] row k
  @inline(__always)
  private func subtract(_ k: Int, _ i: Int, _ columns: Range<Int>) {
    let (factor, from, to) = (a[i * n + k], a + k * n, a + i * n)
    for j in columns { to[j] -= factor * from[j] }
  }

  /// The rows and columns behind a panel, less the product of the factors below it and the rows beside it.
  private func update(_ first: Int, _ end: Int, _ columns: Range<Int>) {
    if T.self == Float.self { return multiply(first, end, columns) }
    for i in end..<n { for k in first..<end { subtract(k, i, columns) } }
  }

  private func multiply(_ first: Int, _ end: Int, _ columns: Range<Int>) {
    let p = chunk.params(DetParams.self).pointee
    let packed = UnsafeMutableRawPointer(a) + p.matrix
    var pack = maas_f32_gemm_pack_params()
    (pack.k, pack.n, pack.b_row, pack.b_col) = (Int64(DetParams.panel), Int64(columns.count), Int64(n), 1)
    let packSplit = maas_f32_gemm_pack_split(&pack)
    let beside = UnsafeMutableRawPointer(a + first * n + columns.lowerBound)
    chunk.call(maas_f32_gemm_pack, [packed, beside, nil, nil, nil, nil, nil, nil], pack, packSplit)
    var product = p.product(rows: n - end, columns: columns.count)
    let split = maas_f32_gemm_split(&product)
    let rest = UnsafeMutableRawPointer(a + end * n + columns.lowerBound)
    chunk.call(
      maas_f32_gemm, [UnsafeMutableRawPointer(a + end * n + first), packed, nil, rest, rest, nil, nil, nil],
      product,
      split,
      scratch: p.matrix + p.packed)
  }
}
