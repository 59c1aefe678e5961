import MaasCore
import MaasGraph

/// A matrix of codes, several to a byte, with a scale and a zero point for each block of neighbours along an axis: how
/// the elements of tensors quantized in blocks are found. The tensor is [outer, axis, inner].
struct BlockCodes {
  let bits: Int
  let block: Int
  let axis: Int
  let inner: Int
  /// Elements between the zero points of neighbouring rows: rows of uint8 begin at whole bytes.
  let zeroRow: Int
  /// The zero point where there is no operand of them.
  let zero: Float

  var blocks: Int { (axis + block - 1) / block }
}

/// Slices of a tensor that are taken apart: element i of slice (m, n) is element (m * count + indices[n]) * size + i.
struct BlockSlices {
  let outer: Int
  let count: Int
  let size: Int
}

extension Lowering {
  /// Emits y = (code - zero point) * scale in float for the slices that `indices` (int64; nil: all) name, zeros where
  /// there is no such slice. Zero points are codes like x's, or floats; `groups` (int32) may give the block of each
  /// element along the axis.
  @inline(never)
  mutating func emitDequantizeBlocks(
    _ codes: BlockCodes, _ slices: BlockSlices, _ x: Operand, _ indices: Operand?, _ scales: Operand,
    _ zeros: Operand?, groups: Operand? = nil, _ y: Operand
  ) {
    let params = BlockParams(
      codes: codes, slices: slices, indices: indices?.count ?? slices.count,
      zerosAreFloats: zeros?.dtype == .float, groups: groups?.count ?? 0,
      values: smallValues(x.dtype, bits: codes.bits))
    emit(
      { dequantizeBlocks(Chunk($0, $1, $2, $3)) }, [x, indices, scales, zeros, groups, y], params,
      items: slices.outer * params.indices, grain: grain(nanoseconds: 3 * slices.size))
  }
}

private struct BlockParams {
  let codes: BlockCodes
  let slices: BlockSlices
  let indices: Int
  let zerosAreFloats: Bool
  let groups: Int
  let values: InlineArray<256, Float>

  @inline(__always)
  func value(_ x: UnsafePointer<UInt8>, _ i: Int) -> Float {
    let mask = UInt8(truncatingIfNeeded: (1 << codes.bits) - 1)
    return values[Int(smallBits(x, i, codes.bits) & mask)]
  }
}

/// x, indices or NULL, scales, zeros or NULL, groups or NULL, y. Items are slices of y.
private func dequantizeBlocks(_ chunk: Chunk) -> Int32 {
  let p = chunk.params(BlockParams.self)
  let slices = p.pointee.slices
  let indices = chunk.optional(1, as: Int64.self)
  let groups = chunk.optional(4, as: Int32.self)
  let blocks = p.pointee.codes.blocks
  for i in 0..<p.pointee.groups where chunk.begin == 0 {
    guard let groups, groups[i] < 0 || Int(groups[i]) >= blocks else { continue }
    return chunk.refuse(unsigned: Int(groups[i]), limit: blocks)
  }
  for item in chunk.begin..<chunk.end {
    let y = chunk.output(5, as: Float.self) + item * slices.size
    let at = item % p.pointee.indices
    let given = indices.map { Int($0[at]) } ?? at
    let index = given < 0 ? given &+ slices.count : given
    guard index >= 0, index < slices.count else {
      y.update(repeating: 0, count: slices.size)
      continue
    }
    dequantizeSlice(chunk, p, (item / p.pointee.indices * slices.count + index) * slices.size, y)
  }
  return StepStatus.ok
}

private func dequantizeSlice(
  _ chunk: Chunk, _ p: UnsafePointer<BlockParams>, _ first: Int, _ y: UnsafeMutablePointer<Float>
) {
  let codes = p.pointee.codes
  let (x, scales) = (chunk.input(0, as: UInt8.self), chunk.input(2, as: Float.self))
  let groups = chunk.optional(4, as: Int32.self)
  var row = first / (codes.axis * codes.inner)
  var (along, inside) = (first / codes.inner % codes.axis, first % codes.inner)
  for i in 0..<p.pointee.slices.size {
    // A block that no matrix has is refused at the step's beginning, maybe by another thread.
    let group = groups.map { max(0, min(codes.blocks - 1, Int($0[min(along, p.pointee.groups - 1)]))) }
    let block = (group ?? along / codes.block) * codes.inner + inside
    let scale = scales[row * codes.blocks * codes.inner + block]
    var zero = codes.zero
    if p.pointee.zerosAreFloats {
      zero = chunk.input(3, as: Float.self)[row * codes.blocks * codes.inner + block]
    } else if let zeros = chunk.optional(3, as: UInt8.self) {
      zero = p.pointee.value(zeros, row * codes.zeroRow + block)
    }
    y[i] = (p.pointee.value(x, first + i) - zero) * scale
    inside += 1
    if inside == codes.inner { (along, inside) = (along + 1, 0) }
    if along == codes.axis { (row, along) = (row + 1, 0) }
  }
}
