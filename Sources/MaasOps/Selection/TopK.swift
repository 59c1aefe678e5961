import CMaasSystem
import MaasCore
import MaasGraph

/// The k largest or smallest elements along an axis and their indices, best first; of equal ones the first.
///
/// NaN counts as larger than everything, and zeros are equal whatever their sign.
package final class TopK: ReadableOperator {
  package let name = "TopK"
  private let axis: Int
  /// The attribute; nil where k is an input.
  private let k: Int?
  private let isLargest: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? -1
    k = reader.opset < 10 ? try reader.int("k") ?? 0 : nil
    isLargest = try reader.int("largest") ?? 1 != 0
    // Without order any order will do.
    reader.ignore("sorted")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(k == nil ? 2...2 : 1...1)
    try node.expectDType(0, DType.numbers)
    var count = k.map { Dim.known($0) }
    if count == nil {
      try node.expectDType(1, [.int64])
      try node.expectSingle(1)
      count = try node.dims(1)?.first
    }
    guard var shape = try node.shape(0) else { return setOutputs(&node, try node.dtype(0), nil) }
    let axis = try normalized(axis: axis, rank: shape.count)
    if let k = count?.value, k < 0 || k > (shape[axis].value ?? k) {
      throw MaasError(
        .outOfRange, "k does not fit the axis", expected: "0..\(shape[axis].text)", found: "\(k)")
    }
    shape[axis] = count ?? node.unknownDim()
    setOutputs(&node, try node.dtype(0), shape)
  }

  private func setOutputs(_ node: inout Inference, _ dtype: DType, _ shape: [Dim]?) {
    node.setOutput(0, dtype, shape)
    if node.wantsOutput(1) { node.setOutput(1, .int64, shape) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, values) = (try node.input(0), node.optionalOutput(0))
    guard let result = values ?? node.optionalOutput(1), result.count > 0 else { return }
    let axis = try normalized(axis: axis, rank: x.rank)
    let params = TopKParams(
      k: result.shape[axis], count: x.shape[axis], inner: x.shape[(axis + 1)...].reduce(1, *),
      isLargest: isLargest)
    guard let scratch = product(params.k, MemoryLayout<Candidate>.stride) else {
      throw MaasError(.limitExceeded, "k is too large", found: "\(params.k)")
    }
    node.emit(
      { dispatch(TopKKernel.self, Chunk($0, $1, $2, $3)) }, [x, values, node.optionalOutput(1)], params,
      dtype: x.dtype, items: result.count / params.k, grain: grain(nanoseconds: 4 * params.count),
      scratch: scratch)
  }
}

private struct TopKParams {
  let k: Int
  let count: Int
  let inner: Int
  let isLargest: Bool
}

/// x, values or NULL, int64 indices or NULL. Items are rows along the axis.
private enum TopKKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(TopKParams.self).pointee
    let x = chunk.input(0, as: T.self)
    let (values, indices) = (chunk.address(1), chunk.address(2))
    for item in chunk.begin..<chunk.end {
      let (outer, column) = (item / params.inner, item % params.inner)
      let row = x + (outer * params.count * params.inner + column)
      var best = BestCandidates(chunk.worker.pointee.scratch, params.k)
      for first in stride(from: 0, to: params.count, by: pollInterval) {
        if first > 0, chunk.isStopped { return StepStatus.stopped }
        for i in first..<min(first + pollInterval, params.count) {
          let key = orderedKey(row[i * params.inner])
          best.offer(Candidate(key: params.isLargest ? key : ~key, index: i))
        }
      }
      guard best.sort(chunk) else { return StepStatus.stopped }
      for i in 0..<params.k {
        let (from, to) = (best[i], (outer * params.k + i) * params.inner + column)
        values?.storeBytes(
          of: row[from * params.inner], toByteOffset: to * MemoryLayout<T>.stride, as: T.self)
        indices?.storeBytes(of: Int64(from), toByteOffset: to * 8, as: Int64.self)
      }
    }
    return StepStatus.ok
  }
}
