import MaasCore
import MaasGraph

/// Regions of images brought to one size: averages or maxima of bilinear samples.
package final class RoiAlign: ReadableOperator {
  package let name = "RoiAlign"
  private let isMax: Bool
  private let height: Int
  private let width: Int
  private let samples: Int
  private let scale: Float
  private let halfPixel: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    isMax = try reader.choice("mode", [("avg", false), ("max", true)])
    height = try reader.int("output_height", default: 1, 1...1 << 20)
    width = try reader.int("output_width", default: 1, 1...1 << 20)
    samples = try reader.int("sampling_ratio", default: 0, 0...1 << 20)
    scale = try reader.float("spatial_scale") ?? 1
    halfPixel =
      reader.opset >= 16
      ? try reader.choice(
        "coordinate_transformation_mode", [("half_pixel", true), ("output_half_pixel", false)]) : false
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(0, DType.floats)
    try node.expectSameDType(0, 1)
    try node.expectDType(2, [.int64])
    for (i, rank) in [(0, 4), (1, 2), (2, 1)] { try node.expectRank(i, rank) }
    let regions = try node.shape(1)
    if let regions { _ = try unified(regions[1], .known(4), "the numbers of a region and its corners") }
    var count = regions?[0] ?? node.unknownDim()
    if let images = try node.shape(2) {
      count = try unified(count, images[0], "the numbers of regions and of batch indices")
    }
    let x = try node.shape(0)
    if let x, x[2...].contains(.known(0)) {
      throw MaasError(.shapeMismatch, "the images have no elements", found: Shape(x).text)
    }
    node.setOutput(
      0, try node.dtype(0), [count, x?[1] ?? node.unknownDim(), .known(height), .known(width)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let (wide, regions) = (try node.floating(x), try node.floating(try node.input(1)))
    let target = try node.target(y, wide.dtype)
    let params = RoiAlignParams(
      images: x.shape[0], channels: x.shape[1], height: x.shape[2], width: x.shape[3], rows: height,
      columns: width, samples: samples, scale: scale, halfPixel: halfPixel, isMax: isMax)
    let cost = max(1, samples * samples) * x.shape[1] * 8
    node.emit(
      { dispatch(RoiAlignKernel.self, Chunk($0, $1, $2, $3)) }, [wide, regions, try node.input(2), target],
      params, dtype: wide.dtype, items: y.shape[0] * height * width, grain: grain(nanoseconds: cost))
    node.narrow(target, into: y)
  }
}

private struct RoiAlignParams {
  let images, channels, height, width, rows, columns, samples: Int
  let scale: Float
  let halfPixel, isMax: Bool
}

/// x, regions, int64 batch indices, y. Items are bins of all channels.
private enum RoiAlignKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(RoiAlignParams.self).pointee
    for item in chunk.begin..<chunk.end {
      let region = item / (p.rows * p.columns)
      let image = Int(chunk.input(2, as: Int64.self)[region])
      guard image >= 0, image < p.images else { return chunk.refuse(value: image, range: 0..<p.images) }
      let corners = chunk.input(1, as: T.self) + region * 4
      let y = Axis(corners[1], corners[3], p.scale, p.halfPixel, p.rows, item / p.columns % p.rows, p.samples)
      let x = Axis(corners[0], corners[2], p.scale, p.halfPixel, p.columns, item % p.columns, p.samples)
      guard let y, let x else { return chunk.refuse(value: .max, range: 0..<(1 << 20)) }
      bin(chunk, p, item, image, y, x)
    }
    return StepStatus.ok
  }

  private static func bin<T: BinaryFloatingPoint & BitwiseCopyable>(
    _ chunk: Chunk, _ p: RoiAlignParams, _ item: Int, _ image: Int, _ y: Axis<T>, _ x: Axis<T>
  ) {
    let bins = p.rows * p.columns
    let area = p.height * p.width
    let from = chunk.input(0, as: T.self) + image * p.channels * area
    let to = chunk.output(3, as: T.self) + item / bins * p.channels * bins + item % bins
    for c in 0..<p.channels { to[c * bins] = 0 }
    for i in 0..<y.samples {
      for j in 0..<x.samples {
        let sample = Bilinear(y.position(i), x.position(j), p.height, p.width)
        let isFirst = i == 0 && j == 0
        for c in 0..<p.channels {
          let value = sample.value(from + c * area, isMax: p.isMax)
          to[c * bins] = !p.isMax ? to[c * bins] + value : isFirst ? value : max(to[c * bins], value)
        }
      }
    }
    guard !p.isMax else { return }
    let count = T(max(1, y.samples * x.samples))
    for c in 0..<p.channels { to[c * bins] /= count }
  }
}

/// One bin of a region along one dimension.
private struct Axis<T: BinaryFloatingPoint & BitwiseCopyable> {
  let begin: T
  let size: T
  let samples: Int

  /// Nil where the region is so large, or no region at all, that its samples cannot be counted.
  init?(_ low: T, _ high: T, _ scale: Float, _ halfPixel: Bool, _ bins: Int, _ bin: Int, _ samples: Int) {
    let shift: T = halfPixel ? 0.5 : 0
    let first = low * T(scale) - shift
    let length = high * T(scale) - shift - first
    size = (halfPixel ? length : max(length, 1)) / T(bins)
    begin = first + T(bin) * size
    let wanted = samples > 0 ? T(samples) : size.rounded(.up)
    guard begin.isFinite, wanted <= 0x1p20 else { return nil }
    self.samples = max(wanted, 0).int
  }

  func position(_ i: Int) -> T { begin + (T(i) + 0.5) * size / T(samples) }
}

/// The four elements around a position; none beyond one element outside the image.
private struct Bilinear<T: BinaryFloatingPoint & BitwiseCopyable> {
  private var places = InlineArray<4, Int>(repeating: 0)
  private var weights = InlineArray<4, T>(repeating: 0)

  init(_ y: T, _ x: T, _ height: Int, _ width: Int) {
    guard y >= -1, y <= T(height), x >= -1, x <= T(width) else { return }
    let (rows, columns) = (Self.neighbours(y, height), Self.neighbours(x, width))
    for i in 0..<4 {
      let (row, column) = (i < 2 ? rows.low : rows.high, i % 2 == 0 ? columns.low : columns.high)
      places[i] = row * width + column
      weights[i] = (i < 2 ? 1 - rows.ratio : rows.ratio) * (i % 2 == 0 ? 1 - columns.ratio : columns.ratio)
    }
  }

  private static func neighbours(_ x: T, _ size: Int) -> (low: Int, high: Int, ratio: T) {
    let low = max(x, 0).int
    return low >= size - 1 ? (size - 1, size - 1, 0) : (low, low + 1, max(x, 0) - T(low))
  }

  /// The sum of the weighted elements, or the largest of them.
  @inline(__always)
  func value(_ x: UnsafePointer<T>, isMax: Bool) -> T {
    let a = (weights[0] * x[places[0]], weights[1] * x[places[1]])
    let b = (weights[2] * x[places[2]], weights[3] * x[places[3]])
    return isMax ? max(max(a.0, a.1), max(b.0, b.1)) : a.0 + a.1 + b.0 + b.1
  }
}
