import CMaasSystem
import MaasCore

/// The large tensors of a model that is written, beside it or in another part of its file.
package final class WeightFile {
  /// What ONNX's `external_data` calls the file.
  package let location: String
  package private(set) var contents = FileContents()
  private var offsets: [UnsafeMutableRawPointer: (offset: Int, count: Int)] = [:]

  /// Kernels may load from multiples of this; smaller tensors stay in the message.
  private static let alignment = 64
  private static let smallest = 1024

  package init(location: String) { self.location = location }

  /// Where the tensor's bytes are from now on; nil for one that stays in the message.
  func place(_ tensor: Tensor) throws(MaasError) -> Int? {
    guard tensor.byteCount >= Self.smallest, tensor.dtype != .string else { return nil }
    if let known = offsets[tensor.bytes], known.count == tensor.byteCount { return known.offset }
    try contents.pad(to: Self.alignment)
    let offset = contents.byteCount
    try contents.append(tensor)
    offsets[tensor.bytes] = (offset, tensor.byteCount)
    return offset
  }
}

/// What will be in a file, as far as it is known: pieces of memory that stay where they are.
package struct FileContents {
  package private(set) var byteCount = 0
  private var parts: [TensorStorage] = []

  package init() {}

  package mutating func append(_ storage: TensorStorage) {
    byteCount += storage.byteCount
    parts.append(storage)
  }

  mutating func append(_ tensor: Tensor) throws(MaasError) {
    guard let bytes = tensor.storage.slice(0, tensor.byteCount) else {
      throw MaasError(.internal, "a tensor is larger than its memory")
    }
    append(bytes)
  }

  package mutating func append(_ other: FileContents) {
    byteCount += other.byteCount
    parts += other.parts
  }

  package mutating func append(_ bytes: [UInt8]) throws(MaasError) {
    let storage = try TensorStorage.allocate(bytes.count)
    UnsafeMutableRawBufferPointer(start: storage.base, count: bytes.count).copyBytes(from: bytes)
    append(storage)
  }

  /// Adds zeros up to a multiple of `alignment`.
  package mutating func pad(to alignment: Int) throws(MaasError) {
    let rest = byteCount % alignment
    if rest > 0 { try append([UInt8](repeating: 0, count: alignment - rest)) }
  }

  /// All bytes in one place.
  package func joined() throws(MaasError) -> TensorStorage {
    let whole = try TensorStorage.allocateLasting(byteCount)
    var at = whole.base
    for part in parts {
      maas_sys_copy(at, part.base, part.byteCount)
      at += part.byteCount
    }
    return whole
  }

  /// Calls `body` for each piece, in order.
  package func eachPiece(_ body: (UnsafeRawBufferPointer) -> Void) {
    for part in parts { body(UnsafeRawBufferPointer(start: part.base, count: part.byteCount)) }
  }

  /// Writes the file, whole or not at all; with `isDurable` also if the machine stops the moment after.
  package func write(to path: String, isDurable: Bool = false) throws(MaasError) {
    let pieces = parts.map { maas_sys_part(bytes: $0.base, size: $0.byteCount) }
    let error = maas_sys_file_write_parts(path, pieces, pieces.count, isDurable)
    withExtendedLifetime(parts) {}
    if error != 0 { throw MaasError.unwritable(path, error) }
  }
}
