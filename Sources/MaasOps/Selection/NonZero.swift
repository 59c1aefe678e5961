import CMaasSystem
import MaasCore
import MaasGraph

/// The indices of the elements that are not zero, a column each, in row-major order.
package final class NonZero: ReadableOperator, HostOperator {
  package let name = "NonZero"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, Self.types)
    let rank = try node.shape(0)?.count
    node.setOutput(0, .int64, [rank.map { .known($0) } ?? node.unknownDim(), node.unknownDim()])
  }

  private static let types = DType.numbers + [.bool, .string, .complex64, .complex128]

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    return [.tensor(try nonZeroIndices(try flags(x, call), x.shape, call))]
  }
}

/// A byte for each element: 0, or 1 where it is not zero, false or the empty string.
private func flags(_ x: Tensor, _ call: HostCall) throws(MaasError) -> Tensor {
  if x.dtype == .string { return try Tensor(.bool, x.shape, x.stringElements.map { $0.count != 0 }) }
  let y = try Tensor(.bool, x.shape)
  let parts = try aligned(try x.complexParts() ?? x)
  // A float is zero whatever its sign.
  let sign: UInt64 = DType.floats.contains(parts.dtype) ? 1 << (parts.dtype.bitWidth - 1) : 0
  let params = FlagParams(ignored: sign, parts: x.count == 0 ? 1 : parts.count / x.count)
  try call.run(
    flagElements, [parts.bytes, y.bytes], params, dtype: parts.dtype, items: x.count,
    grain: grain(nanoseconds: 1))
  return y
}

private struct FlagParams {
  let ignored: UInt64
  let parts: Int
}

/// x, y. Items are elements of y, each `parts` of x.
private let flagElements: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  switch DType(rawValue: chunk.step.pointee.dtype)?.byteWidth {
  case 1: flag(chunk, UInt8.self)
  case 2: flag(chunk, UInt16.self)
  case 4: flag(chunk, UInt32.self)
  default: flag(chunk, UInt64.self)
  }
  return StepStatus.ok
}

private func flag<T: FixedWidthInteger>(_ chunk: Chunk, _ type: T.Type) {
  let p = chunk.params(FlagParams.self).pointee
  let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: UInt8.self))
  let mask = ~T(truncatingIfNeeded: p.ignored)
  for i in chunk.begin..<chunk.end { y[i] = x[i * p.parts] & mask != 0 ? 1 : 0 }
  if p.parts == 2 {
    for i in chunk.begin..<chunk.end where x[2 * i + 1] & mask != 0 { y[i] = 1 }
  }
}

/// The indices of the bytes that are 1, a row for each dimension: counted block by block, then written.
private func nonZeroIndices(_ flags: Tensor, _ shape: [Int], _ call: HostCall) throws(MaasError) -> Tensor {
  let blocks = (flags.count + IndexParams.block - 1) / IndexParams.block
  let ends = try Tensor(.int64, [blocks])
  var params = IndexParams(count: flags.count, rank: shape.count)
  try call.run(countFlags, [flags.bytes, ends.bytes], params, items: blocks, grain: 16)
  let counts = ends.bytes.assumingMemoryBound(to: Int.self)
  for i in 0..<blocks {
    params.total += counts[i]
    counts[i] = params.total
  }
  let dims = try Tensor(.int64, [shape.count], shape)
  let result = try Tensor(.int64, [shape.count, params.total])
  guard result.count > 0 else { return result }
  try call.run(
    writeIndices, [flags.bytes, ends.bytes, dims.bytes, result.bytes], params, items: blocks, grain: 4)
  return result
}

private struct IndexParams {
  static let block = 1 << 13
  let count: Int
  let rank: Int
  /// How many there are in all blocks.
  var total = 0

  func range(_ block: Int) -> Range<Int> { block * Self.block..<min(count, (block + 1) * Self.block) }
}

/// Flags, int64 counts. Items are blocks.
private let countFlags: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let flags = chunk.input(0, as: UInt8.self)
  for block in chunk.begin..<chunk.end {
    var count: UInt32 = 0
    for i in chunk.params(IndexParams.self).pointee.range(block) { count &+= UInt32(flags[i]) }
    chunk.output(1, as: Int.self)[block] = Int(count)
  }
  return StepStatus.ok
}

/// Flags, the counts up to the end of each block, dimensions, indices. Items are blocks.
private let writeIndices: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let p = chunk.params(IndexParams.self).pointee
  let (flags, ends) = (chunk.input(0, as: UInt8.self), chunk.input(1, as: Int.self))
  var row = IndexRow(chunk.input(2, as: Int.self), p.rank)
  for block in chunk.begin..<chunk.end {
    var to = chunk.output(3, as: Int.self) + (block == 0 ? 0 : ends[block - 1])
    let range = p.range(block)
    for first in stride(from: range.lowerBound, to: range.upperBound, by: 8) {
      var word = eightFlags(flags + first, range.upperBound - first)
      while word != 0 {
        let i = first + word.trailingZeroBitCount / 8
        word &= word &- 1
        if i - row.first >= row.width { row.move(to: i) }
        for d in 0..<p.rank - 1 { to[d * p.total] = row.outer[d] }
        to[(p.rank - 1) * p.total] = i - row.first
        to += 1
      }
    }
  }
  return StepStatus.ok
}

/// The next flags as a word, the first in its lowest byte.
@inline(__always)
private func eightFlags(_ flags: UnsafePointer<UInt8>, _ count: Int) -> UInt64 {
  if count >= 8 { return UInt64(littleEndian: UnsafeRawPointer(flags).loadUnaligned(as: UInt64.self)) }
  return (0..<count).reduce(0) { $0 | UInt64(flags[$1]) << UInt64(8 * $1) }
}

/// A row along the last dimension: its first element, and its indices in the other ones.
private struct IndexRow {
  private let dims: UnsafePointer<Int>
  private let rank: Int
  let width: Int
  private(set) var first = 0
  private(set) var outer = InlineArray<64, Int>(repeating: 0)

  init(_ dims: UnsafePointer<Int>, _ rank: Int) {
    (self.dims, self.rank, width) = (dims, rank, dims[rank - 1])
  }

  mutating func move(to element: Int) {
    var rest = element / width
    first = rest * width
    for d in (0..<rank - 1).reversed() {
      outer[d] = rest % dims[d]
      rest /= dims[d]
    }
  }
}

/// The elements or slices along an axis for which input 1 is true. What lies beyond its length is left out.
package final class Compress: ReadableOperator, HostOperator {
  package let name = "Compress"
  private let axis: Int?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectMovable(0)
    try node.expectDType(1, [.bool])
    try node.expectRank(1, 1)
    let dtype = try node.dtype(0)
    guard let axis else { return node.setOutput(0, dtype, [node.unknownDim()]) }
    guard var shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    shape[try normalized(axis: axis, rank: shape.count)] = node.unknownDim()
    node.setOutput(0, dtype, shape)
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    let whole = axis == nil ? try x.reshaped([x.count]) : x
    let condition = try call.tensor(1)
    let length = whole.shape[try normalized(axis: axis ?? 0, rank: whole.shape.count)]
    // A condition may be longer than the axis; what is beyond it chooses nothing.
    let flags = try Tensor(
      .bool, [min(condition.count, length)], storage: try flags(condition, call).storage)
    let chosen = try nonZeroIndices(flags, flags.shape, call)
    return [.tensor(try gathered(whole, try chosen.reshaped([chosen.count]), axis: axis ?? 0))]
  }
}

/// The slices of the tensor at `indices` (int64) along an axis, computed now.
func gathered(_ x: Tensor, _ indices: Tensor, axis: Int) throws(MaasError) -> Tensor {
  guard let result = try evaluate(Gather(axis: axis), [x, indices], outputs: [true])?.first ?? nil else {
    throw MaasError(.internal, "slices could not be gathered")
  }
  return result
}

extension Tensor {
  /// The real and imaginary parts of a complex tensor in a last dimension of 2; nil for other types.
  func complexParts() throws(MaasError) -> Tensor? {
    switch dtype {
    case .complex64: try Tensor(.float, shape + [2], storage: storage)
    case .complex128: try Tensor(.double, shape + [2], storage: storage)
    default: nil
    }
  }
}
