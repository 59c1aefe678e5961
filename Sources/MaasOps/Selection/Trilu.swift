import CMaasSystem
import MaasCore
import MaasGraph

/// The upper or lower triangle of matrices, the rest zero. Input 1 moves the diagonal up (down, when negative).
package final class Trilu: ReadableOperator {
  package let name = "Trilu"
  private let isUpper: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    isUpper = try reader.int("upper") ?? 1 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...2)
    try node.expectMovable(0)
    try node.expectMinimumRank(0, 2)
    if node.has(1) {
      try node.expectDType(1, [.int64])
      try node.expectSingle(1)
    }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    node.mayReuse(input: 0)
    let params = TriangleParams(
      rows: x.shape[x.rank - 2], columns: x.shape[x.rank - 1], width: x.dtype.byteWidth, isUpper: isUpper)
    node.emit(
      triangle, [x, node.optionalInput(1), y], params, dtype: x.dtype, items: x.count / params.columns,
      grain: grain(nanoseconds: params.columns))
  }
}

private struct TriangleParams {
  let rows: Int
  let columns: Int
  let width: Int
  let isUpper: Bool
}

/// x, int64 k or NULL, y. Items are rows of all matrices.
private let triangle: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let params = chunk.params(TriangleParams.self).pointee
  let limit = max(params.rows, params.columns)
  let diagonal = max(-limit, min(limit, chunk.optional(1, as: Int.self)?.pointee ?? 0))
  for item in chunk.begin..<chunk.end {
    let border = item % params.rows + diagonal + (params.isUpper ? 0 : 1)
    let middle = max(0, min(params.columns, border)) * params.width
    let (size, at) = (params.columns * params.width, item * params.columns * params.width)
    let (x, y) = (chunk.input(0, as: UInt8.self) + at, chunk.output(2, as: UInt8.self) + at)
    let (kept, cleared) = params.isUpper ? (middle..<size, 0..<middle) : (0..<middle, middle..<size)
    if x != y { maas_sys_copy(y + kept.lowerBound, x + kept.lowerBound, kept.count) }
    maas_sys_zero(y + cleared.lowerBound, cleared.count)
  }
  return StepStatus.ok
}
