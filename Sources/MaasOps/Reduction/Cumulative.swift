import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// CumSum and CumProd: each element together with those before it along an axis, or (exclusive) only those before it;
/// in reverse, those behind it.
package final class Cumulative: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let isProduct: Bool

    package static let prod = Row(name: "CumProd", isProduct: true)
    package static let sum = Row(name: "CumSum", isProduct: false)
  }

  let row: Row
  let isExclusive: Bool
  let isReverse: Bool
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    isExclusive = try reader.int("exclusive") ?? 0 != 0
    isReverse = try reader.int("reverse") ?? 0 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.numbers)
    try node.expectDType(1, [.int32, .int64])
    try node.expectSingle(1)
    let shape = try node.shape(0)
    if let axis = try node.input(1).constant?.integers?.first, let shape {
      _ = try normalized(axis: axis, rank: shape.count)
    }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let shape = x.rank > 0 ? x.shape : [1]
    guard shape.count <= Int(MAAS_MAX_RANK) else {
      throw MaasError(.unsupported, "the tensor has too many dimensions", found: describe(shape))
    }
    var params = CumulativeParams(
      rank: shape.count, isProduct: row.isProduct, isExclusive: isExclusive, isReverse: isReverse)
    for (d, size) in shape.enumerated() { params.shape[d] = size }
    // An axis that only the run knows leaves open what the rows are: one item does them all.
    let given = try node.input(1)
    let known = try given.constant?.integers?.first.map { axis throws(MaasError) in
      try normalized(axis: axis, rank: shape.count)
    }
    let axis = known == nil ? try node.converted(given, .int64) : given
    params.axis = known ?? -1
    let rows = CumulativeRows(shape, axis: known ?? 0)
    let items = known == nil ? 1 : rows.outer * rows.blocks
    if !isExclusive { try node.mayReuseElementwise(0) }
    try node.emitWide(x, y) { (node, x, y) throws(MaasError) in
      node.emit(
        { dispatchWide(CumulativeKernel.self, Chunk($0, $1, $2, $3)) }, [x, axis, y], params, dtype: x.dtype,
        items: items, grain: grain(nanoseconds: 2 * x.count / items))
    }
  }
}

private struct CumulativeParams {
  let rank: Int
  var shape = InlineArray<8, Int>(repeating: 1)
  /// -1 where the axis is read by the step.
  var axis = -1
  let isProduct: Bool
  let isExclusive: Bool
  let isReverse: Bool
}

/// A tensor as rows along an axis: `inner` of them side by side, `outer` times. An item is a block of neighbours.
private struct CumulativeRows {
  static let block = 1024
  let outer, count, inner: Int
  var blocks: Int { (inner + Self.block - 1) / Self.block }

  init(_ shape: [Int], axis: Int) {
    self.init(shape.count, axis) { shape[$0] }
  }

  init(_ rank: Int, _ axis: Int, _ size: (Int) -> Int) {
    outer = (0..<axis).reduce(1) { $0 * size($1) }
    count = size(axis)
    inner = (axis + 1..<rank).reduce(1) { $0 * size($1) }
  }
}

/// x, int64 axis, y. Items are blocks of neighbouring rows along the axis, or everything.
private enum CumulativeKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(CumulativeParams.self)
    var (status, axis) = (StepStatus.ok, params.pointee.axis)
    if axis < 0 {
      let given = Int(chunk.input(1, as: Int64.self).pointee)
      guard let place = chunk.index(given, params.pointee.rank, &status) else { return status }
      axis = place
    }
    let rows = CumulativeRows(params.pointee.rank, axis) { params.pointee.shape[$0] }
    let items = params.pointee.axis < 0 ? 0..<rows.outer * rows.blocks : chunk.begin..<chunk.end
    for item in items {
      let column = item % rows.blocks * CumulativeRows.block
      let first = item / rows.blocks * rows.count * rows.inner + column
      let width = min(CumulativeRows.block, rows.inner - column)
      let isDone =
        params.pointee.isProduct
        ? fold(chunk, rows, first, width, T.one) { T.product($0, $1) }
        : fold(chunk, rows, first, width, T.zero) { T.sum($0, $1) }
      if !isDone { return StepStatus.stopped }
    }
    return status
  }

  /// `width` neighbouring rows. False: the run ended before.
  @inline(__always)
  private static func fold<T: Number>(
    _ chunk: Chunk, _ rows: CumulativeRows, _ first: Int, _ width: Int, _ start: T, _ combine: (T, T) -> T
  ) -> Bool {
    let params = chunk.params(CumulativeParams.self)
    let (isExclusive, isReverse) = (params.pointee.isExclusive, params.pointee.isReverse)
    let begin = isReverse ? first + (rows.count - 1) * rows.inner : first
    let (x, y) = (chunk.input(0, as: T.self) + begin, chunk.output(2, as: T.self) + begin)
    let step = isReverse ? -rows.inner : rows.inner
    var total = start
    for j in 0..<width {
      total = combine(start, x[j])
      y[j] = isExclusive ? start : total
    }
    // The first row is done.
    let some = max(1, pollInterval / width - 1)
    for i in stride(from: 1, to: rows.count, by: some) {
      if i > 1, chunk.isStopped { return false }
      let (count, source, to) = (
        min(some, rows.count - i), x + (isExclusive ? i - 1 : i) * step, y + i * step
      )
      if width == 1 {
        for n in 0..<count {
          let next = combine(total, x[(i + n) * step])
          to[n * step] = isExclusive ? total : next
          total = next
        }
      } else if T.self == Float.self, !params.pointee.isProduct {
        maas_f32_running_sums(
          UnsafeRawPointer(source).assumingMemoryBound(to: Float.self),
          UnsafeMutableRawPointer(to).assumingMemoryBound(to: Float.self), Int64(count), Int64(step),
          Int64(width))
      } else {
        for n in 0..<count {
          for j in n * step..<n * step + width { to[j] = combine(to[j - step], source[j]) }
        }
      }
    }
    return true
  }
}
