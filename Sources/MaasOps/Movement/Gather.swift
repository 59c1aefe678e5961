import CMaasKernels
import MaasCore
import MaasGraph

/// Slices of the input along an axis, in the order that indices give.
package final class Gather: ReadableOperator {
  package let name = "Gather"
  package let axis: Int

  package init(axis: Int) { self.axis = axis }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(1, [.int32, .int64])
    let dtype = try node.dtype(0)
    guard let shape = try node.shape(0), let indices = try node.shape(1) else {
      return node.setOutput(0, dtype, nil)
    }
    let axis = try normalized(axis: axis, rank: shape.count)
    let result = Array(shape[..<axis]) + indices + Array(shape[(axis + 1)...])
    node.setOutput(0, dtype, result, dims: try followed(node))
  }

  private func followed(_ node: Inference) throws(MaasError) -> [Dim]? {
    guard let elements = try node.followedList(0), let indices = try node.followedList(1) else { return nil }
    var result: [Dim] = []
    for index in indices {
      guard let i = index.value, let dim = elements[at: i < 0 ? i &+ elements.count : i] else { return nil }
      result.append(dim)
    }
    return result
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try node.moving(emit) }

  private func emit(_ node: inout Lowering) throws(MaasError) {
    let (x, indices) = (try node.input(0), try node.input(1))
    let axis = try normalized(axis: axis, rank: x.rank)
    try node.emitGather(x, indices, try node.output(), axis: axis)
  }
}

extension Lowering {
  /// Emits y = x taken at `indices` along `axis`.
  @inline(never)
  mutating func emitGather(_ x: Operand, _ indices: Operand, _ y: Operand, axis: Int) throws(MaasError) {
    var params = maas_gather_params()
    params.size = Int32(x.dtype.byteWidth)
    params.index_size = Int32(indices.dtype.byteWidth)
    params.outer = Int64(x.shape[..<axis].reduce(1, *))
    params.axis = Int64(x.shape[axis])
    params.inner = Int64(x.shape[(axis + 1)...].reduce(1, *))
    params.count = Int64(indices.count)
    let split = withUnsafePointer(to: params) { maas_gather_split($0) }
    emit(maas_gather, [x, indices, y], params, split, dtype: x.dtype)
  }
}

/// y[i, j, k] = x[indices[i, j, k], j, k] for axis 0, and so on.
package final class GatherElements: ReadableOperator {
  package let name = "GatherElements"
  let axis: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectMovable(0)
    try node.expectDType(1, [.int32, .int64])
    if let shape = try node.shape(0), let indices = try node.shape(1) {
      try node.expectRank(1, shape.count)
      let axis = try normalized(axis: axis, rank: shape.count)
      for d in shape.indices where d != axis {
        guard let size = shape[d].value, let count = indices[d].value, count > size else { continue }
        throw MaasError(
          .shapeMismatch, "the indices are larger than the input in dimension \(d)",
          expected: "at most \(size)", found: "\(count)")
      }
    }
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    var indices = try node.input(1)
    if indices.dtype == .int32 { indices = try node.converted(indices, .int64) }
    let axis = try normalized(axis: axis, rank: x.rank)
    var strides = contiguousStrides(x.shape)
    let step = strides[axis]
    strides[axis] = 0
    let params = GatherElementsParams(
      size: x.shape[axis], stride: step, walk: WalkParams(try Walk(y.shape, strides: [strides])))
    node.emit(
      { dispatch(GatherElementsKernel.self, Chunk($0, $1, $2, $3)) }, [x, indices, y], params, dtype: x.dtype,
      items: y.count, grain: grain(nanoseconds: 3))
  }
}

private struct GatherElementsParams {
  let size: Int
  let stride: Int
  let walk: WalkParams
}

/// x, int64 indices, y.
private enum GatherElementsKernel: MovementKernel {
  static func run<T: BitwiseCopyable>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(GatherElementsParams.self)
    let (x, indices, y) = (
      chunk.input(0, as: T.self), chunk.input(1, as: Int64.self), chunk.output(2, as: T.self)
    )
    let (size, stride) = (params.pointee.size, params.pointee.stride)
    let rowStride = params.pointee.walk.rowStrides.a
    var status = StepStatus.ok
    params.pointee.walk.forEachRow(chunk.begin, chunk.end) { at, from, _, _, count in
      let done = row(x + from, indices + at, y + at, count, size, stride, rowStride)
      if done < count { status = chunk.refuse(index: Int(indices[at + done]), limit: size) }
    }
    return status
  }

  /// How many indices there were before one that is out of range.
  @inline(never)
  private static func row<T: BitwiseCopyable>(
    _ x: UnsafePointer<T>, _ indices: UnsafePointer<Int64>, _ y: UnsafeMutablePointer<T>, _ count: Int,
    _ size: Int, _ stride: Int, _ rowStride: Int
  ) -> Int {
    for i in 0..<count {
      let index = Int(indices[i]) &+ (indices[i] < 0 ? size : 0)
      if UInt(bitPattern: index) >= UInt(bitPattern: size) { return i }
      y[i] = stride == 1 && rowStride == 0 ? x[index] : x[i &* rowStride &+ index &* stride]
    }
    return count
  }
}
