import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// The data with slices replaced, or combined with updates: y[indices[i, j]] = updates[i, j], where the last
/// dimension of indices holds the first indices of a slice.
package final class ScatterND: ReadableOperator {
  package let name = "ScatterND"
  let reduction: ScatterReduction

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    reduction = try ScatterReduction(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(1, [.int64])
    if let shape = try node.shape(0), let indices = try node.shape(1), let depth = indices.last?.value {
      let expected = try sliceShape(shape, indices, depth, batch: 0)
      try node.expectRank(2, expected.count)
      for (a, b) in zip(expected, try node.shape(2) ?? []) {
        _ = try unified(a, b, "the dimensions of updates")
      }
    }
    try node.inferScatter(updates: 2, reduction)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, indices) = (try node.input(0), try node.input(1))
    let rows = try node.emitTupleRows(indices, of: x, batch: 0)
    let inner = x.shape[(indices.shape.last ?? 0)...].reduce(1, *)
    try node.emitScatter(try node.input(2), rows: rows, inner: inner, reduction)
  }
}

/// The slices of the data that tuples of indices name; the first `batch_dims` dimensions go together.
package final class GatherND: ReadableOperator {
  package let name = "GatherND"
  private let batch: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    batch = try reader.int("batch_dims") ?? 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectMovable(0)
    try node.expectDType(1, [.int64])
    let dtype = try node.dtype(0)
    guard let shape = try node.shape(0), let indices = try node.shape(1) else {
      return node.setOutput(0, dtype, nil)
    }
    guard batch >= 0, batch < min(shape.count, indices.count) else {
      throw MaasError(
        .invalidModel, "attribute 'batch_dims' does not fit the inputs",
        expected: span(0, min(shape.count, indices.count)), found: "\(batch)")
    }
    for d in 0..<batch { _ = try unified(shape[d], indices[d], "the batch dimensions of data and indices") }
    guard let depth = indices.last?.value else { return node.setOutput(0, dtype, nil) }
    node.setOutput(0, dtype, try sliceShape(shape, indices, depth, batch: batch))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, indices, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    let rows = try node.emitTupleRows(indices, of: x, batch: batch)
    let inner = x.shape[(batch + (indices.shape.last ?? 0))...].reduce(1, *)
    try node.emitGather(try x.reshaped([x.count / max(1, inner), inner]), rows, y, axis: 0)
  }
}

/// The shape of the slices that tuples of `depth` indices name.
private func sliceShape(
  _ data: [Dim], _ indices: [Dim], _ depth: Int, batch: Int
) throws(MaasError) -> [Dim] {
  guard depth >= 1, batch + depth <= data.count else {
    throw MaasError(
      .shapeMismatch, "the last dimension of indices does not fit the data \(Shape(data).text)",
      expected: span(1, data.count - batch + 1), found: "\(depth)")
  }
  return indices.dropLast() + data[(batch + depth)...]
}

extension Lowering {
  /// Emits which row of x each tuple names, x seen as rows of what the tuples leave open.
  fileprivate mutating func emitTupleRows(
    _ indices: Operand, of x: Operand, batch: Int
  ) throws(MaasError) -> Operand {
    let depth = indices.shape.last ?? 0
    let sizes = Array(x.shape[batch..<(batch + depth)])
    guard depth <= Int(MAAS_MAX_RANK) else {
      throw MaasError(.unsupported, "the tuples of indices are too long", found: "\(depth)")
    }
    let rows = try temporary(.int64, indices.shape.dropLast())
    var params = TupleRowsParams(depth: depth, tuples: rows.shape[batch...].reduce(1, *))
    let strides = contiguousStrides(sizes)
    for d in 0..<depth { (params.sizes[d], params.strides[d]) = (sizes[d], strides[d]) }
    params.block = sizes.reduce(1, *)
    emit(
      tupleRows, [indices, rows], params, dtype: .int64, items: rows.count,
      grain: grain(nanoseconds: 3 * depth))
    return rows
  }
}

private struct TupleRowsParams {
  let depth: Int
  /// Tuples of one batch, and the rows that they choose from.
  let tuples: Int
  var block = 1
  var sizes = InlineArray<8, Int>(repeating: 1)
  var strides = InlineArray<8, Int>(repeating: 0)
}

/// indices, rows.
private let tupleRows: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let params = chunk.params(TupleRowsParams.self)
  let (indices, rows) = (chunk.input(0, as: Int64.self), chunk.output(1, as: Int64.self))
  var status = StepStatus.ok
  for i in chunk.begin..<chunk.end {
    var row = i / params.pointee.tuples * params.pointee.block
    for d in 0..<params.pointee.depth {
      let given = Int(indices[i * params.pointee.depth + d])
      guard let index = chunk.index(given, params.pointee.sizes[d], &status) else { continue }
      row += index * params.pointee.strides[d]
    }
    rows[i] = Int64(row)
  }
  return status
}
