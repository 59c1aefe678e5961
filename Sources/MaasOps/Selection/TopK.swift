import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// The k largest or smallest elements along an axis and their indices, best first; of equal ones the first.
///
/// NaN counts as larger than everything, and zeros are equal whatever their sign.
package final class TopK: ReadableOperator {
  package let name = "TopK"
  let axis: Int
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
    let kept = params.sortsAll ? product(params.count, 2) : BestCandidates.memory(params.k)
    guard let kept, let scratch = product(kept, MemoryLayout<Candidate>.stride) else {
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
  /// Whether so many are wanted that sorting the row is faster.
  var sortsAll: Bool { k >= count / 4 && k > 64 }
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
      guard let best = params.sortsAll ? sorted(row, chunk, params) : chosen(row, chunk, params) else {
        return StepStatus.stopped
      }
      for i in 0..<params.k {
        let (from, to) = (best[i].index, (outer * params.k + i) * params.inner + column)
        values?.storeBytes(
          of: row[from * params.inner], toByteOffset: to * MemoryLayout<T>.stride, as: T.self)
        indices?.storeBytes(of: Int64(from), toByteOffset: to * 8, as: Int64.self)
      }
    }
    return StepStatus.ok
  }

  private static func sorted<T: Number>(
    _ row: UnsafePointer<T>, _ chunk: Chunk, _ params: TopKParams
  ) -> UnsafeMutablePointer<Candidate>? {
    let items = chunk.worker.pointee.scratch.unsafelyUnwrapped.assumingMemoryBound(to: Candidate.self)
    for i in 0..<params.count {
      let key = orderedKey(row[i * params.inner])
      items[i] = Candidate(key: params.isLargest ? ~key : key, index: i)
    }
    return radixSorted(items, items + params.count, params.count) { chunk.isStopped }
  }

  private static func chosen<T: Number>(
    _ row: UnsafePointer<T>, _ chunk: Chunk, _ params: TopKParams
  ) -> UnsafeMutablePointer<Candidate>? {
    var best = BestCandidates(chunk.worker.pointee.scratch, params.k)
    for first in stride(from: 0, to: params.count, by: pollInterval) {
      if first > 0, chunk.isStopped { return nil }
      guard offer(row, first..<min(first + pollInterval, params.count), params, &best, chunk) else {
        return nil
      }
    }
    return best.sort(chunk) ? best.items : nil
  }

  private static func offer<T: Number>(
    _ row: UnsafePointer<T>, _ range: Range<Int>, _ params: TopKParams, _ best: inout BestCandidates,
    _ chunk: Chunk
  ) -> Bool {
    if T.self == Float.self, params.inner == 1 {
      let floats = UnsafeRawPointer(row).assumingMemoryBound(to: Float.self)
      return offer(floats: floats, range, params.isLargest ? 1 : -1, &best, chunk)
    }
    var (i, limit) = (range.lowerBound, best.worst.map { row[$0 * params.inner] })
    while i < range.upperBound {
      if let limit, params.inner == 1, range.upperBound - i >= neighbours,
        !anyPrecedes(row + i, limit, isLargest: params.isLargest)
      {
        i += neighbours
        continue
      }
      for _ in 0..<min(neighbours, range.upperBound - i) {
        let x = row[i * params.inner]
        if limit.map({ params.isLargest ? !(x <= $0) : !($0 <= x) }) ?? true {
          let key = orderedKey(x)
          guard best.offer(Candidate(key: params.isLargest ? key : ~key, index: i), chunk) else {
            return false
          }
          limit = best.worst.map { row[$0 * params.inner] }
        }
        i += 1
      }
    }
    return true
  }

  private static func offer(
    floats row: UnsafePointer<Float>, _ range: Range<Int>, _ sign: Float, _ best: inout BestCandidates,
    _ chunk: Chunk
  ) -> Bool {
    var i = range.lowerBound
    while i < range.upperBound {
      if let worst = best.worst {
        i += Int(maas_f32_first_beyond(row + i, Int64(range.upperBound - i), sign * row[worst], sign))
        if i == range.upperBound { break }
      }
      let key = orderedKey(row[i])
      guard best.offer(Candidate(key: sign > 0 ? key : ~key, index: i), chunk) else { return false }
      i += 1
    }
    return true
  }
}
