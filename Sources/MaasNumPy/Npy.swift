import CMaasSystem
import MaasCore

/// Arrays in NumPy's .npy format.
package enum Npy {
  /// Reads a file. Elements in row-major order and this machine's byte order are used where the file is mapped,
  /// without a copy: the file must keep its size as long as the tensor lives, unless `copy` is asked for.
  package static func read(_ path: String, copy: Bool = false) throws(MaasError) -> Tensor {
    do {
      return try decode(.mapped(try MappedFile(path, copy: copy)))
    } catch {
      throw error.inFile(path)
    }
  }

  /// The array in `file`, the bytes of a .npy file; the tensor borrows them where it can.
  package static func decode(_ file: TensorStorage) throws(MaasError) -> Tensor {
    let bytes = UnsafeRawBufferPointer(start: file.base, count: file.byteCount)
    let header = try NpyHeader(bytes)
    let available = bytes.count - header.dataOffset
    guard available == header.dataSize, let data = file.slice(header.dataOffset, header.dataSize) else {
      let problem = available < header.dataSize ? "the array is truncated" : "bytes follow the array"
      throw MaasError(
        .invalidArgument, "\(problem): \(header.element.dtype.name) \(describe(header.shape))",
        expected: "\(header.dataSize) bytes", found: "\(available)")
    }
    return try tensor(header, data)
  }

  private static func tensor(_ header: NpyHeader, _ data: TensorStorage) throws(MaasError) -> Tensor {
    let dtype = header.element.dtype
    var data = data
    if header.element.isBigEndian, header.element.swappedWidth > 1 {
      data = try swapped(data, width: header.element.swappedWidth)
    }
    if header.isFortranOrder, header.dataSize > 0, header.shape.count(where: { $0 != 1 }) > 1 {
      data = try rowMajor(data, header.shape, width: dtype.byteWidth)
    }
    if dtype == .bool { data = try zeroOrOne(data) }
    return try Tensor(dtype, header.shape, storage: data)
  }

  /// Writes the tensor so that `path` is never half-written.
  package static func write(_ tensor: Tensor, to path: String) throws(MaasError) {
    try writeFile(path, try encode(tensor))
  }

  /// The bytes of a .npy file, version 1.0, with the elements 64-byte aligned in it.
  package static func encode(_ tensor: Tensor) throws(MaasError) -> TensorStorage {
    try concatenated([.bytes(try header(tensor)), .tensor(tensor)])
  }

  static func header(_ tensor: Tensor) throws(MaasError) -> [UInt8] {
    let dimensions = joined(tensor.shape.map { "\($0)" }, ", ")
    let descr = try NpyElement.descr(tensor.dtype)
    let text =
      "{'descr': '\(descr)', 'fortran_order': False, 'shape': (\(dimensions)\(tensor.shape.count == 1 ? "," : "")), }"
    let fixed = NpyHeader.magic + [1, 0]
    let end = fixed.count + 2 + text.utf8.count + 1
    let padding = (64 - end % 64) % 64
    // NumPy allows at most 64 dimensions; more would not fit the 16-bit length of version 1.0.
    guard let length = UInt16(exactly: text.utf8.count + padding + 1) else {
      throw MaasError(.unsupported, "a shape of \(tensor.shape.count) dimensions cannot be saved as .npy")
    }
    var header = fixed
    header.append(little: length)
    return header + Array(text.utf8) + [UInt8](repeating: 32, count: padding) + [10]
  }
}

/// Writes `bytes` so that `path` is never half-written.
func writeFile(_ path: String, _ bytes: TensorStorage) throws(MaasError) {
  let error = maas_sys_file_write(path, bytes.base, bytes.byteCount)
  if error != 0 { throw MaasError.unwritable(path, error) }
}
