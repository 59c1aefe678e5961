import CMaasSystem

/// A dense row-major tensor: element type, shape, and bytes that it owns or borrows.
///
/// A tensor is a value in shape and type but shares its bytes: do not write to it while a run reads it.
public final class Tensor: @unchecked Sendable {
  public let dtype: DType
  public let shape: [Int]
  /// Number of elements.
  public let count: Int
  package private(set) var storage: TensorStorage

  private init(_ dtype: DType, _ shape: [Int], _ count: Int, _ storage: TensorStorage) {
    self.dtype = dtype
    self.shape = shape
    self.count = count
    self.storage = storage
  }

  /// A tensor over existing bytes; refused when they are fewer than the shape needs.
  package convenience init(_ dtype: DType, _ shape: [Int], storage: TensorStorage) throws(MaasError) {
    let needed = try MaasCore.byteCount(shape, dtype)
    if storage.byteCount < needed {
      throw MaasError(
        .shapeMismatch, "the buffer is too small for \(dtype.name) \(describe(shape))",
        expected: "\(needed) bytes", found: "\(storage.byteCount)")
    }
    self.init(dtype, shape, elementCount(shape) ?? 0, storage)
  }

  /// A tensor with memory of its own, not cleared.
  public convenience init(_ dtype: DType, _ shape: [Int]) throws(MaasError) {
    try self.init(dtype, shape, storage: .allocate(try MaasCore.byteCount(shape, dtype)))
    // Garbage would be taken for the address of a string.
    if dtype == .string { maas_sys_zero(bytes, byteCount) }
  }

  /// The same bytes with another shape of the same element count.
  package func reshaped(_ shape: [Int]) throws(MaasError) -> Tensor {
    guard elementCount(shape) == count else {
      throw MaasError(
        .shapeMismatch, "a tensor of \(count) elements cannot have shape \(describe(shape))")
    }
    return Tensor(dtype, shape, count, storage)
  }

  public var byteCount: Int { MaasCore.byteCount(count, dtype) ?? 0 }
  /// The first byte; valid as long as the tensor lives.
  public var bytes: UnsafeMutableRawPointer { storage.base }

  /// Whether no other tensor and no part of one shares the bytes.
  package func isUnshared() -> Bool { isKnownUniquelyReferenced(&storage) && storage.isOwned }

  package var isAligned: Bool { UInt(bitPattern: bytes) % UInt(max(dtype.byteWidth, 1)) == 0 }
}

extension Tensor {
  /// Whether type, shape and all bits are the same; not for strings.
  package func isIdentical(to other: Tensor) -> Bool {
    dtype == other.dtype && shape == other.shape && maas_sys_equal(bytes, other.bytes, byteCount)
  }

  /// Copies `elements` into a new tensor. `T` must be the Swift type whose layout is `dtype`'s.
  package convenience init<T: BitwiseCopyable>(_ dtype: DType, _ shape: [Int], _ elements: [T])
    throws(MaasError)
  {
    try self.init(dtype, shape)
    guard elements.count == count, MemoryLayout<T>.size == dtype.byteWidth else {
      throw MaasError(
        .shapeMismatch, "elements do not fit the shape \(describe(shape))", expected: "\(count)",
        found: "\(elements.count)")
    }
    elements.withUnsafeBytes { if let base = $0.baseAddress { maas_sys_copy(bytes, base, $0.count) } }
  }

  /// The elements as an array, whatever their alignment.
  package func elements<T: BitwiseCopyable>(as type: T.Type) -> [T] {
    let (bytes, count) = (bytes, count)
    return [T](unsafeUninitializedCapacity: count) { elements, made in
      if let base = elements.baseAddress { maas_sys_copy(base, bytes, count * MemoryLayout<T>.stride) }
      made = count
    }
  }

  /// The elements of an integer or bool tensor; nil for other types.
  package var integers: [Int]? {
    switch dtype {
    case .int64: elements(as: Int64.self).map { Int($0) }
    case .int32: elements(as: Int32.self).map { Int($0) }
    case .int16: elements(as: Int16.self).map { Int($0) }
    case .int8: elements(as: Int8.self).map { Int($0) }
    case .uint8, .bool: elements(as: UInt8.self).map { Int($0) }
    case .uint16: elements(as: UInt16.self).map { Int($0) }
    case .uint32: elements(as: UInt32.self).map { Int($0) }
    default: nil
    }
  }
}
