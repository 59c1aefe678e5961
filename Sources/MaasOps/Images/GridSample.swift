import MaasCore
import MaasGraph

/// The input sampled at positions that a grid gives in -1...1, last dimension first.
package final class GridSample: ReadableOperator {
  package let name = "GridSample"
  private let mode: SampleMode
  private let padding: SamplePadding
  private let corners: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let modes: [(name: String, value: SampleMode)] = [
      ("linear", .linear), ("bilinear", .linear), ("nearest", .nearest), ("cubic", .cubic),
      ("bicubic", .cubic),
    ]
    mode = try reader.choice("mode", modes)
    padding = try reader.choice(
      "padding_mode", [("zeros", .zeros), ("border", .border), ("reflection", .reflection)])
    corners = try reader.int("align_corners") ?? 0 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    if mode == .nearest { try node.expectMovable(0) } else { try node.expectDType(0, DType.numbers) }
    try node.expectDType(1, DType.floats)
    let dtype = try node.dtype(0)
    let (x, grid) = (try node.shape(0), try node.shape(1))
    guard let rank = x?.count ?? grid?.count else { return node.setOutput(0, dtype, nil) }
    guard (3...5).contains(rank) else {
      throw MaasError(.unsupported, "the rank is not supported", expected: "3 to 5", found: "\(rank)")
    }
    try node.expectRank(1, rank)
    guard let x, let grid else { return node.setOutput(0, dtype, node.unknownShape(rank: rank)) }
    _ = try unified(.known(rank - 2), grid[rank - 1], "the input's dimensions and the grid's positions")
    let batch = try unified(x[0], grid[0], "the batches of the input and the grid")
    if x[2...].contains(.known(0)), !grid.contains(.known(0)) {
      throw MaasError(.shapeMismatch, "there is nothing to sample", found: Shape(x).text)
    }
    node.setOutput(0, dtype, [batch, x[1]] + grid[1..<(rank - 1)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, given, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    let (rank, points) = (x.rank - 2, y.shape[2...].reduce(1, *))
    let sizes = SamplingParams(
      batch: x.shape[0], channels: x.shape[1], volume: x.shape[2...].reduce(1, *), points: points,
      taps: mode.taps(rank))
    try node.expectVolume(sizes.volume)
    let isWide = given.dtype.floating == .double || (mode != .nearest && x.dtype.floating == .double)
    let grid = isWide ? try node.converted(given, .double) : try node.widened(given)
    let places = try node.temporary(.int32, [x.shape[0], points, sizes.taps])
    let weights = mode == .nearest ? nil : try node.temporary(grid.dtype, places.shape)
    let params = GridParams(
      mode: mode, padding: padding, corners: corners, rank: rank, sizes: inlineSizes(Array(x.shape[2...])))
    node.emit(
      { dispatch(GridKernel.self, Chunk($0, $1, $2, $3)) }, [grid, places, weights], params,
      dtype: grid.dtype, items: x.shape[0] * points, grain: grain(nanoseconds: 10 + 4 * sizes.taps))
    guard let weights else { return node.emitSampling(x, places, nil, y, sizes) }
    let target = try node.target(y, grid.dtype)
    let wide = isWide ? try node.converted(x, .double) : try node.widened(x)
    node.emitSampling(wide, places, weights, target, sizes)
    node.narrow(target, into: y)
  }
}

private struct GridParams {
  let mode: SampleMode
  let padding: SamplePadding
  let corners: Bool
  let rank: Int
  let sizes: InlineArray<3, Int>
}

/// grid, places, weights or NULL. Items are positions.
private enum GridKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(GridParams.self).pointee
    let weights = chunk.address(2)?.assumingMemoryBound(to: T.self)
    let taps = p.mode.taps(p.rank)
    for item in chunk.begin..<chunk.end {
      let position = chunk.input(0, as: T.self) + item * p.rank
      var neighbours = Neighbours<T>()
      for d in 0..<p.rank {
        let x = absolute(position[p.rank - 1 - d], p.sizes[d], p.corners)
        neighbours.set(d, x, p.sizes[d], p.mode, p.padding, corners: p.corners)
      }
      neighbours.store(
        p.sizes, p.rank, p.mode, 1, chunk.output(1, as: Int32.self) + item * taps,
        weights.map { $0 + item * taps })
    }
    return StepStatus.ok
  }

  /// -1 and 1 are the centres of the outermost elements, or their outer borders.
  private static func absolute<T: BinaryFloatingPoint>(_ x: T, _ size: Int, _ corners: Bool) -> T {
    corners ? (x + 1) / 2 * T(size - 1) : ((x + 1) * T(size) - 1) / 2
  }
}
