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

  private let row: Row
  private let isExclusive: Bool
  private let isReverse: Bool
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
    let items = known.map { x.count / shape[$0] } ?? 1
    try node.mayReuseElementwise(0)
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

/// x, int64 axis, y. Items are rows along the axis, or everything.
private enum CumulativeKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(CumulativeParams.self)
    var (status, axis, rows) = (StepStatus.ok, params.pointee.axis, chunk.begin..<chunk.end)
    if axis < 0 {
      let given = Int(chunk.input(1, as: Int64.self).pointee)
      guard let place = chunk.index(given, params.pointee.rank, &status) else { return status }
      axis = place
    }
    let count = params.pointee.shape[axis]
    var (inner, outer) = (1, 1)
    for d in 0..<params.pointee.rank {
      if d < axis { outer *= params.pointee.shape[d] }
      if d > axis { inner *= params.pointee.shape[d] }
    }
    if params.pointee.axis < 0 { rows = 0..<(outer * inner) }
    for row in rows { add(params, chunk, row, count, inner, T.self) }
    return status
  }

  private static func add<T: Number>(
    _ params: UnsafePointer<CumulativeParams>, _ chunk: Chunk, _ row: Int, _ count: Int, _ inner: Int,
    _ type: T.Type
  ) {
    let first = row / inner * count * inner + row % inner
    let (x, y) = (chunk.input(0, as: T.self) + first, chunk.output(2, as: T.self) + first)
    var result: T = params.pointee.isProduct ? .one : .zero
    for i in 0..<count {
      let at = (params.pointee.isReverse ? count - 1 - i : i) * inner
      let next = params.pointee.isProduct ? T.product(result, x[at]) : T.sum(result, x[at])
      y[at] = params.pointee.isExclusive ? result : next
      result = next
    }
  }
}
