import CMaasSystem
import MaasCore
import MaasGraph

/// A tensor seen as slices along one axis, which Scan and Loop take apart and put together again.
struct Slices {
  let shape: [Int]
  private let outer: Int
  private let count: Int
  private let inner: Int  // bits

  init(_ shape: [Int], axis: Int, _ dtype: DType) throws(MaasError) {
    outer = shape[..<axis].reduce(1, *)
    count = shape[axis]
    inner = shape[(axis + 1)...].reduce(dtype.bitWidth, *)
    var rest = shape
    rest.remove(at: axis)
    self.shape = rest
  }

  /// Copies slice `i` of `whole` to `slice`.
  func take(_ i: Int, from whole: UnsafeRawPointer, to slice: UnsafeMutableRawPointer) {
    for j in 0..<outer { copyBits(whole, (j * count + i) * inner, slice, j * inner, inner) }
  }

  /// Copies `slice` to slice `i` of `whole`.
  func put(_ i: Int, from slice: UnsafeRawPointer, to whole: UnsafeMutableRawPointer) {
    for j in 0..<outer { copyBits(slice, j * inner, whole, (j * count + i) * inner, inner) }
  }
}

/// Copies a run of packed elements; all numbers are bits, and even.
private func copyBits(
  _ from: UnsafeRawPointer, _ start: Int, _ to: UnsafeMutableRawPointer, _ end: Int, _ count: Int
) {
  if (start | end | count) % 8 == 0 { return maas_sys_copy(to + end / 8, from + start / 8, count / 8) }
  for i in stride(from: 0, to: count, by: 2) {
    let pair = from.load(fromByteOffset: (start + i) / 8, as: UInt8.self) >> UInt8((start + i) % 8) & 3
    let (at, shift) = ((end + i) / 8, UInt8((end + i) % 8))
    let others = to.load(fromByteOffset: at, as: UInt8.self) & ~(3 << shift)
    to.storeBytes(of: others | pair << shift, toByteOffset: at, as: UInt8.self)
  }
}

/// What is wrong with a scan output that is not of the type and shape that it had before. Iterations count from 0.
func changedScan(_ dtype: DType, _ shape: [Int], _ tensor: Tensor, iteration: Int) -> MaasError {
  MaasError(
    .shapeMismatch,
    "a scan output changes its \(dtype == tensor.dtype ? "shape" : "type") in iteration \(iteration)",
    expected: "\(dtype.name)\(describe(shape))", found: "\(tensor.dtype.name)\(describe(tensor.shape))")
}

/// Tensors of one type, stacked along a new first axis whose length shows at the end.
struct Stack {
  private var memory: Tensor?
  private var type: (dtype: DType, shape: [Int])?
  private var count = 0
  /// Keeps the bytes of strings, which the stack only points to.
  private var kept: [Tensor] = []
  private let limit: Int
  /// Bytes that are worth having before they are needed.
  private static let reservedBytes = 1 << 16

  /// `limit`: the most there can be.
  init(limit: Int) { self.limit = limit }

  mutating func append(_ tensor: Tensor) throws(MaasError) {
    let type = type ?? (tensor.dtype, tensor.shape)
    guard type.dtype == tensor.dtype, type.shape == tensor.shape else {
      throw changedScan(type.dtype, type.shape, tensor, iteration: count)
    }
    self.type = type
    try grow(type.dtype, type.shape)
    let bits = tensor.count * tensor.dtype.bitWidth
    if let memory { copyBits(tensor.bytes, 0, memory.bytes, count * bits, bits) }
    if type.dtype == .string { kept.append(tensor) }
    count += 1
  }

  private mutating func grow(_ dtype: DType, _ shape: [Int]) throws(MaasError) {
    guard count >= memory?.shape.first ?? 0 else { return }
    let reserved = Self.reservedBytes / max(try byteCount(shape, dtype), 1)
    let capacity = min(max(count * 2, reserved, 1), limit)
    let larger = try Tensor(dtype, [capacity] + shape)
    if let memory { maas_sys_copy(larger.bytes, memory.bytes, memory.byteCount) }
    memory = larger
  }

  /// All of them; `empty` is the type where there are none.
  func tensor(empty: Fact?) throws(MaasError) -> Tensor {
    guard let type, let memory else {
      let dims = empty?.shape?.dims.map { $0.value ?? 0 } ?? []
      return try Tensor(empty?.dtype ?? .float, [0] + dims)
    }
    if memory.shape.first == count { return try owned(memory) }
    return try owned(Tensor(type.dtype, [count] + type.shape, storage: memory.storage))
  }

  private func owned(_ tensor: Tensor) throws(MaasError) -> Tensor {
    try withExtendedLifetime(kept) { () throws(MaasError) in try tensor.owned() }
  }
}

/// The only element of a bool tensor.
func flag(_ datum: Datum, _ what: String) throws(MaasError) -> Bool {
  guard let tensor = datum.tensor, tensor.dtype == .bool, tensor.count == 1 else {
    throw MaasError(.typeMismatch, "\(what) must be one bool", found: "a \(datum.kind)")
  }
  return tensor.bytes.load(as: UInt8.self) != 0
}
