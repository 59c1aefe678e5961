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
    if let axis = try node.integers(1)?.first, let shape { _ = try normalized(axis: axis, rank: shape.count) }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let axis = try normalized(axis: try node.integers(1).first ?? 0, rank: x.rank)
    let params = CumulativeParams(
      count: x.shape[axis], inner: x.shape[(axis + 1)...].reduce(1, *), isProduct: row.isProduct,
      isExclusive: isExclusive, isReverse: isReverse)
    try node.mayReuseElementwise(0)
    try node.emitWide(x, y) { (node, x, y) throws(MaasError) in
      node.emit(
        { dispatchWide(CumulativeKernel.self, Chunk($0, $1, $2, $3)) }, [x, y], params, dtype: x.dtype,
        items: x.count / params.count, grain: grain(nanoseconds: 2 * params.count))
    }
  }
}

private struct CumulativeParams {
  let count: Int
  let inner: Int
  let isProduct: Bool
  let isExclusive: Bool
  let isReverse: Bool
}

/// x, y. Items are rows along the axis.
private enum CumulativeKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(CumulativeParams.self).pointee
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: T.self))
    for item in chunk.begin..<chunk.end {
      let first = item / params.inner * params.count * params.inner + item % params.inner
      var result: T = params.isProduct ? .one : .zero
      for i in 0..<params.count {
        let at = first + (params.isReverse ? params.count - 1 - i : i) * params.inner
        let next = params.isProduct ? T.product(result, x[at]) : T.sum(result, x[at])
        y[at] = params.isExclusive ? result : next
        result = next
      }
    }
    return StepStatus.ok
  }
}
