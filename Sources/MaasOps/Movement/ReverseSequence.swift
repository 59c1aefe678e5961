import CMaasSystem
import MaasCore
import MaasGraph

/// For each batch, the first sequence_lens[batch] elements along the time axis in reverse order.
package final class ReverseSequence: ReadableOperator {
  package let name = "ReverseSequence"
  private let timeIsFirst: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let axes = [try reader.int("batch_axis") ?? 1, try reader.int("time_axis") ?? 0]
    guard axes == [0, 1] || axes == [1, 0] else {
      throw MaasError(
        .invalidModel, "attributes 'batch_axis' and 'time_axis' are not the first two dimensions",
        expected: "0 and 1", found: describe(axes))
    }
    timeIsFirst = axes == [1, 0]
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectMovable(0)
    try node.expectMinimumRank(0, 2)
    try node.expectDType(1, [.int64])
    try node.expectRank(1, 1)
    if let shape = try node.shape(0), let batches = try node.shape(1)?.first {
      _ = try unified(shape[timeIsFirst ? 1 : 0], batches, "the batches of input and sequence_lens")
    }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let rows = try node.temporary(.int64, [x.shape[0], x.shape[1]])
    let params = SequenceRowsParams(rows: x.shape[0], columns: x.shape[1], timeIsFirst: timeIsFirst)
    node.emit(
      sequenceRows, [try node.input(1), rows], params, dtype: .int64, items: rows.count,
      grain: grain(nanoseconds: 2))
    try node.emitGather(try x.reshaped([rows.count, x.count / rows.count]), rows, y, axis: 0)
  }
}

private struct SequenceRowsParams {
  let rows: Int
  let columns: Int
  let timeIsFirst: Bool
}

/// sequence_lens, rows: which element each one comes from.
private let sequenceRows: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let params = chunk.params(SequenceRowsParams.self).pointee
  let (lengths, rows) = (chunk.input(0, as: Int64.self), chunk.output(1, as: Int64.self))
  let limit = params.timeIsFirst ? params.rows : params.columns
  for item in chunk.begin..<chunk.end {
    let (i, j) = (item / params.columns, item % params.columns)
    let (time, length) = params.timeIsFirst ? (i, Int(lengths[j])) : (j, Int(lengths[i]))
    guard length >= 0, length <= limit else { return chunk.refuse(value: length, 0, limit + 1) }
    let source = time < length ? length - 1 - time : time
    rows[item] = Int64(params.timeIsFirst ? source * params.columns + j : i * params.columns + source)
  }
  return StepStatus.ok
}
