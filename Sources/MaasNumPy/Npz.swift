import MaasCore

/// A tensor and the name it goes by in a file.
package struct NamedTensor {
  package let name: String
  package let tensor: Tensor

  package init(_ name: String, _ tensor: Tensor) {
    self.name = name
    self.tensor = tensor
  }
}

/// A NumPy .npz file: a zip file of .npy files.
///
/// Arrays are read when they are asked for. Stored ones (`numpy.savez`) are borrowed from the mapped file, so it must
/// keep its size as long as they live; compressed ones (`numpy.savez_compressed`) are unpacked into memory.
package struct NpzArchive {
  package let path: String
  /// The names of the arrays, in the order of the file.
  package var names: [String] { entries.map { $0.name } }
  private let file: TensorStorage
  private let entries: [(name: String, zip: ZipEntry)]
  private let limit: Int

  package static let defaultLimit = 4 << 30

  /// Opens a file. An array that is larger than `limit` bytes when unpacked is refused.
  package init(_ path: String, copy: Bool = false, limit: Int = defaultLimit) throws(MaasError) {
    do {
      try self.init(.mapped(try MappedFile(path, copy: copy)), path: path, limit: limit)
    } catch {
      throw error.inFile(path)
    }
  }

  /// The archive in `file`, the bytes of a .npz file; `path` names it in errors.
  package init(_ file: TensorStorage, path: String, limit: Int = defaultLimit) throws(MaasError) {
    self.path = path
    self.limit = limit
    self.file = file
    do {
      let bytes = UnsafeRawBufferPointer(start: file.base, count: file.byteCount)
      entries = try NpzArchive.arrays(try ZipDirectory.entries(bytes))
    } catch {
      throw error.inFile(path)
    }
  }

  /// The entries that are arrays, under the names that numpy.load gives them.
  private static func arrays(_ all: [ZipEntry]) throws(MaasError) -> [(name: String, zip: ZipEntry)] {
    var arrays: [(name: String, zip: ZipEntry)] = []
    var seen: Set<Name> = []
    for entry in all where entry.name.hasSuffix(".npy") {
      let name = String(entry.name.dropLast(4))
      guard seen.insert(Name(name)).inserted else {
        throw MaasError(.invalidArgument, "the file holds two arrays of the name '\(name)'")
      }
      arrays.append((name, entry))
    }
    return arrays
  }

  /// All arrays, in the order of the file.
  package func tensors() throws(MaasError) -> [NamedTensor] {
    var tensors: [NamedTensor] = []
    for entry in entries { tensors.append(NamedTensor(entry.name, try tensor(entry.zip))) }
    return tensors
  }

  package func tensor(_ name: String) throws(MaasError) -> Tensor {
    guard let entry = entries.first(where: { Name($0.name) == Name(name) }) else {
      throw MaasError(
        .notFound, "the file holds no array '\(name)'", found: joined(names.map { "'\($0)'" }, ", "),
        hint: didYouMean(name, names)
      ).inFile(path)
    }
    return try tensor(entry.zip)
  }

  private func tensor(_ entry: ZipEntry) throws(MaasError) -> Tensor {
    do {
      return try Npy.decode(try contents(entry))
    } catch {
      throw error.inFile("\(path)(\(entry.name))")
    }
  }

  private func contents(_ entry: ZipEntry) throws(MaasError) -> TensorStorage {
    let data = try stored(entry)
    let bytes = UnsafeRawBufferPointer(start: data.base, count: data.byteCount)
    let contents: TensorStorage
    switch entry.method {
    case 0 where entry.size == data.byteCount: contents = data
    case 0: throw ZipDirectory.damaged("a stored entry has two sizes, \(entry.size) and \(data.byteCount)")
    case 8: contents = try unpacked(bytes, entry)
    default:
      throw MaasError(
        .unsupported, "the zip compression method is not supported", expected: "0 (stored) or 8 (deflate)",
        found: "\(entry.method)", hint: "save the arrays with numpy.savez")
    }
    let crc = checksum(contents)
    if crc != entry.crc {
      throw MaasError(
        .invalidArgument, "the data are damaged: their checksum is wrong", expected: hexadecimal(entry.crc),
        found: hexadecimal(crc))
    }
    return contents
  }

  private func unpacked(_ bytes: UnsafeRawBufferPointer, _ entry: ZipEntry) throws(MaasError) -> TensorStorage
  {
    if entry.size > limit {
      throw MaasError(
        .limitExceeded, "the compressed array is too large to unpack", expected: "at most \(limit) bytes",
        found: "\(entry.size)",
        hint: "numpy.savez stores arrays uncompressed, and those are used where they are")
    }
    return try inflated(bytes, size: entry.size)
  }

  /// The bytes of the entry as they stand in the file.
  private func stored(_ entry: ZipEntry) throws(MaasError) -> TensorStorage {
    if entry.isEncrypted { throw MaasError(.unsupported, "encrypted zip files are not supported") }
    let bytes = UnsafeRawBufferPointer(start: file.base, count: file.byteCount)
    guard bytes.little(entry.offset) == ZipDirectory.localSignature,
      let nameLength: UInt16 = bytes.little(entry.offset + 26),
      let extraLength: UInt16 = bytes.little(entry.offset + 28),
      let data = file.slice(
        entry.offset + ZipDirectory.localSize + Int(nameLength) + Int(extraLength), entry.compressedSize)
    else { throw ZipDirectory.damaged("the entry's \(entry.compressedSize) bytes are not inside it") }
    return data
  }
}

/// Reads all bytes once, and holds no more of a mapped file than a few megabytes.
private func checksum(_ contents: TensorStorage) -> UInt32 {
  var crc: UInt32 = 0
  for begin in stride(from: 0, to: contents.byteCount, by: 4 << 20) {
    guard let part = contents.slice(begin, min(4 << 20, contents.byteCount - begin)) else { continue }
    crc = crc32(UnsafeRawBufferPointer(start: part.base, count: part.byteCount), from: crc)
    part.forgetPages()
  }
  return crc
}

private func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 8 - digits.count) + digits
}
