import CMaasSystem
import MaasCore
import MaasGraph

/// A cache [batch, ..., axis, ...] with an update written along the axis: from 0 on, or for each batch from the place
/// that input 2 gives. In circular mode places beyond the end begin again.
package final class TensorScatter: ReadableOperator {
  package let name = "TensorScatter"
  private let axis: Int
  private let isCircular: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? -2
    let mode = try reader.string("mode") ?? "linear"
    guard mode == "linear" || mode == "circular" else {
      throw MaasError(
        .invalidModel, "attribute 'mode' has an unknown value", expected: "linear or circular", found: mode)
    }
    isCircular = mode == "circular"
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    if node.has(2) {
      try node.expectDType(2, [.int64])
      try node.expectRank(2, 1)
    }
    if let shape = try node.shape(0) {
      let axis = try place(shape.count)
      try node.expectRank(1, shape.count)
      if let update = try node.shape(1) { try check(shape, update, axis) }
      if node.has(2), let batch = try node.shape(2)?.first {
        _ = try unified(batch, shape[0], "the batches of cache and places")
      }
    }
    try node.inferScatter(updates: 1, .none)
  }

  private func place(_ rank: Int) throws(MaasError) -> Int {
    let place = try normalized(axis: axis, rank: rank)
    if place > 0 { return place }
    throw MaasError(.invalidModel, "attribute 'axis' names the batch dimension", found: "\(axis)")
  }

  private func check(_ shape: [Dim], _ update: [Dim], _ axis: Int) throws(MaasError) {
    for d in shape.indices where d != axis {
      _ = try unified(shape[d], update[d], "the dimensions \(d) of cache and update")
    }
    guard let size = shape[axis].value, let count = update[axis].value, count > size else { return }
    throw MaasError(
      .shapeMismatch, "the update is larger than the cache", expected: "at most \(size)", found: "\(count)")
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, update) = (try node.input(0), try node.input(1))
    let axis = try place(x.rank)
    let rows = try node.temporary(.int64, Array(update.shape[...axis]))
    let params = CacheRowsParams(
      prefixes: update.shape[1..<axis].reduce(1, *), size: x.shape[axis], count: update.shape[axis],
      isCircular: isCircular)
    node.emit(
      cacheRows, [node.optionalInput(2), rows], params, dtype: .int64, items: rows.count,
      grain: grain(nanoseconds: 3))
    let inner = x.shape[(axis + 1)...].reduce(1, *)
    try node.emitScatter(update, rows: rows, inner: inner, .none)
  }
}

private struct CacheRowsParams {
  /// Prefixes of a batch.
  let prefixes: Int
  let size: Int
  let count: Int
  let isCircular: Bool
}

/// int64 places or NULL, rows.
private let cacheRows: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let params = chunk.params(CacheRowsParams.self).pointee
  let (places, rows) = (chunk.optional(0, as: Int64.self), chunk.output(1, as: Int64.self))
  for item in chunk.begin..<chunk.end {
    let (prefix, i) = (item / params.count, item % params.count)
    let given = places.map { Int($0[prefix / params.prefixes]) } ?? 0
    let start = params.isCircular && given >= 0 ? given % params.size : given
    guard start >= 0, start < params.size, params.isCircular || start <= params.size - params.count else {
      return chunk.refuse(value: given, 0, params.size - params.count + 1)
    }
    let place = start + i
    rows[item] = Int64(prefix * params.size + (place < params.size ? place : place - params.size))
  }
  return StepStatus.ok
}
