import MaasCore
import MaasGraph

/// The maxima of regions of images, in a fixed number of bins. A region is an image's index and two corners.
package final class MaxRoiPool: ReadableOperator {
  package let name = "MaxRoiPool"
  private let pooled: [Int]
  private let scale: Float

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    pooled = try reader.ints("pooled_shape") ?? []
    scale = try reader.float("spatial_scale") ?? 1
    try reader.finish()
    guard pooled.count == 2, pooled.allSatisfy({ (1...1 << 20).contains($0) }) else {
      throw MaasError(
        .invalidModel, "attribute 'pooled_shape' is no height and width", found: describe(pooled))
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.floats)
    try node.expectSameDType(0, 1)
    try node.expectRank(0, 4)
    try node.expectRank(1, 2)
    let (x, regions) = (try node.shape(0), try node.shape(1))
    if let regions { _ = try unified(regions[1], .known(5), "the numbers of a region and 5") }
    let sizes = [regions?[0] ?? node.unknownDim(), x?[1] ?? node.unknownDim()]
    node.setOutput(0, try node.dtype(0), sizes + pooled.map { .known($0) })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let (wide, regions) = (try node.floating(x), try node.floating(try node.input(1)))
    let target = try node.target(y, wide.dtype)
    let params = MaxRoiParams(
      images: x.shape[0], channels: x.shape[1], height: x.shape[2], width: x.shape[3], rows: pooled[0],
      columns: pooled[1], scale: scale)
    node.emit(
      { dispatch(MaxRoiKernel.self, Chunk($0, $1, $2, $3)) }, [wide, regions, target], params,
      dtype: wide.dtype, items: y.count, grain: grain(nanoseconds: 50))
    node.narrow(target, into: y)
  }
}

private struct MaxRoiParams {
  let images, channels, height, width, rows, columns: Int
  let scale: Float
}

/// x, regions, y. Items are bins.
private enum MaxRoiKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(MaxRoiParams.self).pointee
    for item in chunk.begin..<chunk.end {
      let (plane, bin) = (item / (p.rows * p.columns), item % (p.rows * p.columns))
      let region = chunk.input(1, as: T.self) + plane / p.channels * 5
      guard region[0] >= 0, region[0] < T(p.images) else {
        return chunk.refuse(value: abs(region[0]) < 0x1p40 ? region[0].int : -1, range: 0..<p.images)
      }
      let rows = Self.range(region[2], region[4], p.scale, p.rows, bin / p.columns, p.height)
      let columns = Self.range(region[1], region[3], p.scale, p.columns, bin % p.columns, p.width)
      let image = region[0].int * p.channels + plane % p.channels
      let x = chunk.input(0, as: T.self) + image * p.height * p.width
      chunk.output(2, as: T.self)[item] = largest(x, p.width, rows, columns)
    }
    return StepStatus.ok
  }

  /// The elements of bin `bin` along one dimension.
  private static func range<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ low: T, _ high: T, _ scale: Float, _ bins: Int, _ bin: Int, _ limit: Int
  ) -> Range<Int> {
    let first = (low * T(scale)).rounded()
    let size = max((high * T(scale)).rounded() - first + 1, 1) / T(bins)
    func held(_ x: T) -> Int { max(0, min(T(limit), x + first)).int }
    guard size.isFinite, first.isFinite else { return 0..<0 }
    let begin = held((T(bin) * size).rounded(.down))
    return begin..<max(begin, held((T(bin + 1) * size).rounded(.up)))
  }

  /// 0 of nothing.
  private static func largest<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ x: UnsafePointer<T>, _ width: Int, _ rows: Range<Int>, _ columns: Range<Int>
  ) -> T {
    if rows.isEmpty || columns.isEmpty { return 0 }
    var result = -T.infinity
    for row in rows {
      for column in columns {
        let value = x[row * width + column]
        if value > result || value.isNaN { result = value }
      }
    }
    return result
  }
}
