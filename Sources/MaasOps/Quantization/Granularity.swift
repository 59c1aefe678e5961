import MaasCore
import MaasGraph

/// How finely a tensor is quantized: one scale and zero point for all of it, for each index along an axis, or for each
/// block of indices along an axis. The shape of the scale tells which.
struct Granularity {
  let axis: Int
  let blockSize: Int

  init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? 1
    blockSize = reader.opset < 21 ? 0 : try reader.int("block_size") ?? 0
    if blockSize < 0 {
      throw MaasError(
        .invalidModel, "attribute 'block_size' is negative", expected: "0 or more", found: "\(blockSize)")
    }
  }

  /// Refuses a scale (input 1) that does not fit x, and a zero point (input 2) that does not fit the scale.
  func check(_ node: Inference) throws(MaasError) {
    if node.has(2), let scale = try node.shape(1), let zero = try node.shape(2) {
      guard scale.count == zero.count || (mayBeOne(scale) && mayBeOne(zero)) else {
        throw misfit("zero point", scale, zero)
      }
      if scale.count == zero.count {
        for (a, b) in zip(scale, zero) { _ = try unified(a, b, "the scale's and zero point's sizes") }
      }
    }
    guard let x = try node.shape(0), let scale = try node.shape(1) else { return }
    try check(x, scale)
  }

  private func check(_ x: [Dim], _ scale: [Dim]) throws(MaasError) {
    if isWhole(scale) || x.isEmpty { return }
    let axis = try place(x.count)
    guard isBlocked(scale.count, rank: x.count) else {
      guard scale.count == 1 else { throw misfit("scale", x, scale) }
      _ = try unified(x[axis], scale[0], "the input's and the scale's sizes along the axis")
      return
    }
    for d in x.indices where d != axis {
      _ = try unified(x[d], scale[d], "the input's and the scale's sizes")
    }
    guard let size = x[axis].value, let blocks = scale[axis].value else { return }
    let whole = size / blockSize + (size % blockSize == 0 ? 0 : 1)
    guard blocks == whole else { throw misfit("scale", x, scale) }
  }

  private func misfit(_ what: String, _ expected: [Dim], _ found: [Dim]) -> MaasError {
    MaasError(
      .shapeMismatch, "the shape of the \(what) does not fit \(Shape(expected).text)",
      expected: "a scalar, one number for each index of axis \(axis), or blocks of 'block_size' along it",
      found: Shape(found).text)
  }

  private func mayBeOne(_ shape: [Dim]) -> Bool { (Shape(shape).count.value ?? 1) == 1 }

  private func isWhole(_ scale: [Dim]) -> Bool {
    scale.isEmpty || (scale.count == 1 && scale[0] == .known(1) && blockSize == 0)
  }

  private func isBlocked(_ scaleRank: Int, rank: Int) -> Bool { blockSize > 0 && scaleRank == rank }

  /// For a tensor of one dimension the axis does not matter.
  private func place(_ rank: Int) throws(MaasError) -> Int {
    rank == 1 ? 0 : try normalized(axis: axis, rank: rank)
  }

  /// x and scale under shapes of which the second broadcasts to the first; the zero point is shaped like the scale.
  func views(
    _ node: inout Lowering, _ x: Operand, _ scale: Operand, _ zero: Operand?
  ) throws(MaasError) -> Views {
    if scale.count == 1, scale.rank <= 1 { return Views(x.shape, scale, zero, []) }
    let axis = try place(x.rank)
    guard isBlocked(scale.rank, rank: x.rank) else {
      let own = x.shape.indices.map { $0 == axis ? x.shape[$0] : 1 }
      return Views(x.shape, scale, zero, own)
    }
    if x.shape[axis] % blockSize == 0 {
      let (front, back) = (Array(x.shape[..<axis]), Array(x.shape[(axis + 1)...]))
      let blocks = scale.shape[axis]
      return Views(front + [blocks, blockSize] + back, scale, zero, front + [blocks, 1] + back)
    }
    // The last block is smaller: each number is repeated for every index of its block.
    let indices = (0..<x.shape[axis]).map { Int64($0 / blockSize) }
    let table = try node.constant(try Tensor(.int64, [indices.count], indices))
    let wide = try node.temporary(scale.dtype, x.shape)
    try node.emitGather(scale, table, wide, axis: axis)
    guard let zero else { return Views(x.shape, wide, nil, x.shape) }
    let wideZero = try node.temporary(zero.dtype, x.shape)
    try node.emitGather(zero, table, wideZero, axis: axis)
    return Views(x.shape, wide, wideZero, x.shape)
  }

  struct Views {
    let x: [Int]
    let scale: Operand
    let zero: Operand?
    /// The shape of scale and zero point.
    let own: [Int]

    init(_ x: [Int], _ scale: Operand, _ zero: Operand?, _ own: [Int]) {
      (self.x, self.scale, self.zero, self.own) = (x, scale, zero, own)
    }
  }
}
