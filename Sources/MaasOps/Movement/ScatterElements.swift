import CMaasSystem
import MaasCore
import MaasGraph

/// y[indices[i, j, k], j, k] = updates[i, j, k] for axis 0, and so on; the rest is the data. Scatter is the same under
/// an older name.
package final class ScatterElements: OperatorFamily {
  package let name: String
  let axis: Int
  let reduction: ScatterReduction

  package init(_ name: String, _ reader: inout AttributeReader) throws(MaasError) {
    self.name = name
    axis = try reader.int("axis") ?? 0
    reduction = try ScatterReduction(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(1, [.int32, .int64])
    if let shape = try node.shape(0) {
      _ = try normalized(axis: axis, rank: shape.count)
      try node.expectRank(1, shape.count)
      try node.expectRank(2, shape.count)
      if let indices = try node.shape(1), let updates = try node.shape(2) {
        try check(shape, indices, updates)
      }
    }
    try node.inferScatter(updates: 2, reduction)
  }

  private func check(_ shape: [Dim], _ indices: [Dim], _ updates: [Dim]) throws(MaasError) {
    let axis = try normalized(axis: axis, rank: shape.count)
    for d in shape.indices {
      let count = try unified(indices[d], updates[d], "the dimensions of indices and updates")
      guard d != axis, let size = shape[d].value, let count = count.value, count > size else { continue }
      throw MaasError(
        .shapeMismatch, "the indices are larger than the data in dimension \(d)",
        expected: "at most \(size)", found: "\(count)")
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, updates) = (try node.input(0), try node.input(2))
    let indices = try node.converted(try node.input(1), .int64)
    let axis = try normalized(axis: axis, rank: x.rank)
    var strides = contiguousStrides(x.shape)
    let step = strides[axis]
    strides[axis] = 0
    let params = ElementRowsParams(
      size: x.shape[axis], stride: step, walk: WalkParams(try Walk(indices.shape, strides: [strides])))
    let rows = try node.temporary(.int64, indices.shape)
    node.emit(
      elementRows, [indices, rows], params, dtype: .int64, items: rows.count, grain: grain(nanoseconds: 3))
    try node.emitScatter(updates, rows: rows, inner: 1, reduction)
  }
}

private struct ElementRowsParams {
  let size: Int
  let stride: Int
  let walk: WalkParams
}

/// indices, rows: where in the data the element of each index lies.
private let elementRows: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let params = chunk.params(ElementRowsParams.self)
  let (indices, rows) = (chunk.input(0, as: Int64.self), chunk.output(1, as: Int64.self))
  let (size, stride) = (params.pointee.size, params.pointee.stride)
  let rowStride = params.pointee.walk.rowStrides.a
  var status = StepStatus.ok
  params.pointee.walk.forEachRow(chunk.begin, chunk.end) { at, from, _, _, count in
    for i in 0..<count {
      guard let index = chunk.index(Int(indices[at + i]), size, &status) else { continue }
      rows[at + i] = Int64(from + i * rowStride + index * stride)
    }
  }
  return status
}
