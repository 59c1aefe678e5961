import MaasCore

/// Writes .npz files as numpy.savez does: every array stored, uncompressed, under `name.npy`.
package enum Npz {
  /// Writes the tensors so that `path` is never half-written.
  package static func write(_ tensors: [NamedTensor], to path: String) throws(MaasError) {
    try writeFile(path, try encode(tensors))
  }

  /// The bytes of a .npz file. Two tensors of one name are refused.
  package static func encode(_ tensors: [NamedTensor]) throws(MaasError) -> TensorStorage {
    try encode(tensors, zip64Above: Int(UInt32.max) - 1)
  }

  /// Sizes and offsets above `zip64Above` are written in 64 bits.
  static func encode(_ tensors: [NamedTensor], zip64Above: Int) throws(MaasError) -> TensorStorage {
    var writer = NpzWriter(zip64Above: zip64Above)
    var seen: Set<Name> = []
    for tensor in tensors {
      guard seen.insert(Name(tensor.name)).inserted else {
        throw MaasError(.invalidArgument, "a .npz file cannot hold two arrays of the name '\(tensor.name)'")
      }
      try writer.add(tensor)
    }
    writer.finish()
    return try concatenated(writer.parts)
  }
}

private struct NpzWriter {
  let zip64Above: Int
  var parts: [FilePart] = []
  private var offset = 0
  private var directory: [UInt8] = []
  private var count = 0

  init(zip64Above: Int) { self.zip64Above = zip64Above }

  mutating func add(_ entry: NamedTensor) throws(MaasError) {
    let name = Array((entry.name + ".npy").utf8)
    guard name.count <= Int(UInt16.max) else {
      throw MaasError(.unsupported, "a name of \(name.count) bytes is too long for a .npz file")
    }
    let contents: [FilePart] = [.bytes(try Npy.header(entry.tensor)), .tensor(entry.tensor)]
    var record = Record(name: name, crc: 0, size: 0, offset: offset)
    for part in contents {
      record.crc = part.withBytes { crc32($0, from: record.crc) }
      record.size += part.byteCount
    }
    let local = record.local(zip64Above)
    parts += [.bytes(local)] + contents
    offset += local.count + record.size
    directory += record.directory(zip64Above)
    count += 1
  }

  mutating func finish() {
    var end = directory
    let isWide = max(offset, directory.count) > zip64Above || count >= Int(UInt16.max)
    if isWide { end += end64() }
    end.append(little: ZipDirectory.endSignature)
    end.append(little: UInt32(0))
    for _ in 0..<2 { end.append(little: isWide ? UInt16.max : UInt16(count)) }
    end.append(little: isWide ? UInt32.max : UInt32(directory.count))
    end.append(little: isWide ? UInt32.max : UInt32(offset))
    end.append(little: UInt16(0))
    parts.append(.bytes(end))
  }

  /// The zip64 end record and the locator that points to it.
  private func end64() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(little: ZipDirectory.end64Signature)
    bytes.append(little: UInt64(44))
    for _ in 0..<2 { bytes.append(little: Record.version64) }
    bytes.append(little: UInt64(0))
    for number in [count, count, directory.count, offset] { bytes.append(little: UInt64(number)) }
    bytes.append(little: ZipDirectory.locatorSignature)
    bytes.append(little: UInt32(0))
    bytes.append(little: UInt64(offset + directory.count))
    bytes.append(little: UInt32(1))
    return bytes
  }
}

/// An entry to be written. All are dated 1 January 1980, the first day a zip file can name: equal arrays make equal
/// files.
private struct Record {
  static let version64: UInt16 = 45
  private static let version: UInt16 = 20
  private static let date: UInt16 = 1 << 5 | 1

  let name: [UInt8]
  var crc: UInt32
  var size: Int
  let offset: Int

  /// What local and directory records have in common, from the version to the length of the name.
  private func common(isWide: Bool) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.append(little: isWide ? Record.version64 : Record.version)
    // Bit 11: the name is UTF-8.
    bytes.append(little: name.allSatisfy { $0 < 128 } ? UInt16(0) : UInt16(1 << 11))
    bytes.append(little: UInt16(0))
    bytes.append(little: UInt16(0))
    bytes.append(little: Record.date)
    bytes.append(little: crc)
    for _ in 0..<2 { bytes.append(little: isWide ? UInt32.max : UInt32(size)) }
    bytes.append(little: UInt16(name.count))
    return bytes
  }

  private func zip64(_ numbers: [Int]) -> [UInt8] {
    var bytes: [UInt8] = []
    if numbers.isEmpty { return bytes }
    bytes.append(little: ZipDirectory.zip64Extra)
    bytes.append(little: UInt16(numbers.count * 8))
    for number in numbers { bytes.append(little: UInt64(number)) }
    return bytes
  }

  func local(_ zip64Above: Int) -> [UInt8] {
    let isWide = size > zip64Above
    let extra = zip64(isWide ? [size, size] : [])
    var bytes: [UInt8] = []
    bytes.append(little: ZipDirectory.localSignature)
    bytes += common(isWide: isWide)
    bytes.append(little: UInt16(extra.count))
    return bytes + name + extra
  }

  func directory(_ zip64Above: Int) -> [UInt8] {
    let isWide = size > zip64Above
    let isFar = offset > zip64Above
    let extra = zip64((isWide ? [size, size] : []) + (isFar ? [offset] : []))
    var bytes: [UInt8] = []
    bytes.append(little: ZipDirectory.entrySignature)
    bytes.append(little: isWide || isFar ? Record.version64 : Record.version)
    bytes += common(isWide: isWide)
    bytes.append(little: UInt16(extra.count))
    bytes += [UInt8](repeating: 0, count: 10)
    bytes.append(little: isFar ? UInt32.max : UInt32(offset))
    return bytes + name + extra
  }
}
