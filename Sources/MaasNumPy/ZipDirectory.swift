import MaasCore

/// What the directory of a zip file says about one of its files.
struct ZipEntry {
  var name = ""
  var method: UInt16 = 0
  var isEncrypted = false
  var crc: UInt32 = 0
  var compressedSize = 0
  var size = 0
  /// Where the entry's local header begins.
  var offset = 0
}

/// The directory at the end of a zip file, zip64 included.
///
/// Source of the format: PKWARE's APPNOTE 6.3.10, sections 4.3 to 4.5. Sizes and checksums are taken from the
/// directory, so that entries whose local header leaves them to a data descriptor read like all others.
enum ZipDirectory {
  static let localSignature: UInt32 = 0x0403_4b50
  static let entrySignature: UInt32 = 0x0201_4b50
  static let endSignature: UInt32 = 0x0605_4b50
  static let end64Signature: UInt32 = 0x0606_4b50
  static let locatorSignature: UInt32 = 0x0706_4b50
  static let endSize = 22
  static let locatorSize = 20
  static let entrySize = 46
  static let localSize = 30
  static let zip64Extra: UInt16 = 1

  static func entries(_ file: UnsafeRawBufferPointer) throws(MaasError) -> [ZipEntry] {
    let (count, offset, size) = try place(file)
    guard let directory = file.range(offset, size), count <= size / entrySize else {
      throw damaged("its directory of \(count) entries does not lie inside the file")
    }
    var entries: [ZipEntry] = []
    var position = 0
    for _ in 0..<count {
      let (entry, length) = try self.entry(directory, position)
      entries.append(entry)
      position += length
    }
    return entries
  }

  static func damaged(_ how: String) -> MaasError {
    MaasError(.invalidArgument, "the zip file is damaged: \(how)")
  }

  /// Where the directory is, from the record at the end of the file.
  private static func place(
    _ file: UnsafeRawBufferPointer
  ) throws(MaasError) -> (count: Int, offset: Int, size: Int) {
    guard let end = endRecord(file) else {
      throw MaasError(
        .invalidArgument, "this is not a whole zip file", expected: "an end-of-directory record at its end",
        found: file.isEmpty ? "an empty file" : nil)
    }
    if let record = try end64Record(file, before: end) {
      guard let count: UInt64 = file.little(record + 32), let size: UInt64 = file.little(record + 40),
        let offset: UInt64 = file.little(record + 48), let count = Int(exactly: count),
        let size = Int(exactly: size), let offset = Int(exactly: offset)
      else { throw damaged("its zip64 end record is cut or holds numbers out of range") }
      return (count, offset, size)
    }
    guard let disk: UInt16 = file.little(end + 4), let count: UInt16 = file.little(end + 10),
      let size: UInt32 = file.little(end + 12), let offset: UInt32 = file.little(end + 16)
    else { throw damaged("its end record is cut") }
    if disk != 0 { throw MaasError(.unsupported, "zip files in several parts are not supported") }
    return (Int(count), Int(offset), Int(size))
  }

  /// The end record: the last one whose comment fills the rest of the file.
  private static func endRecord(_ file: UnsafeRawBufferPointer) -> Int? {
    var position = file.count - endSize
    let first = max(0, position - Int(UInt16.max))
    while position >= first {
      if file.little(position) == endSignature, let comment: UInt16 = file.little(position + 20),
        position + endSize + Int(comment) == file.count
      {
        return position
      }
      position -= 1
    }
    return nil
  }

  private static func end64Record(
    _ file: UnsafeRawBufferPointer, before end: Int
  ) throws(MaasError) -> Int? {
    let locator = end - locatorSize
    guard file.little(locator) == locatorSignature, let place: UInt64 = file.little(locator + 8) else {
      return nil
    }
    guard let record = Int(exactly: place), file.little(record) == end64Signature else {
      throw damaged("its zip64 end record is not where the file says")
    }
    return record
  }
}

extension ZipDirectory {
  /// The entry at `position`, and how many bytes of the directory it takes.
  private static func entry(
    _ directory: UnsafeRawBufferPointer, _ position: Int
  ) throws(MaasError) -> (entry: ZipEntry, length: Int) {
    guard directory.little(position) == entrySignature, let flags: UInt16 = directory.little(position + 8),
      let method: UInt16 = directory.little(position + 10), let crc: UInt32 = directory.little(position + 16),
      let compressed: UInt32 = directory.little(position + 20),
      let size: UInt32 = directory.little(position + 24),
      let nameLength: UInt16 = directory.little(position + 28),
      let extraLength: UInt16 = directory.little(position + 30),
      let commentLength: UInt16 = directory.little(position + 32),
      let offset: UInt32 = directory.little(position + 42),
      let name = directory.range(position + entrySize, Int(nameLength)),
      let extra = directory.range(position + entrySize + name.count, Int(extraLength))
    else { throw damaged("an entry of its directory is cut") }
    var entry = ZipEntry(
      name: String(decoding: name, as: UTF8.self), method: method, isEncrypted: flags & 1 != 0, crc: crc,
      compressedSize: Int(compressed), size: Int(size), offset: Int(offset))
    try widen(&entry, extra)
    return (entry, entrySize + name.count + extra.count + Int(commentLength))
  }

  /// Takes from the zip64 field what does not fit 32 bits; it holds only those numbers, in this order.
  private static func widen(_ entry: inout ZipEntry, _ extra: UnsafeRawBufferPointer) throws(MaasError) {
    var position = zip64Field(extra)
    func wide(_ value: Int) throws(MaasError) -> Int {
      guard value == Int(UInt32.max), let place = position else { return value }
      guard let number: UInt64 = extra.little(place), let result = Int(exactly: number) else {
        throw damaged("the sizes of its entry '\(entry.name)' are cut or out of range")
      }
      position = place + 8
      return result
    }
    entry.size = try wide(entry.size)
    entry.compressedSize = try wide(entry.compressedSize)
    entry.offset = try wide(entry.offset)
  }

  /// Where the contents of the zip64 extra field begin.
  private static func zip64Field(_ extra: UnsafeRawBufferPointer) -> Int? {
    var position = 0
    while let id: UInt16 = extra.little(position), let length: UInt16 = extra.little(position + 2) {
      if id == zip64Extra { return position + 4 }
      position += 4 + Int(length)
    }
    return nil
  }
}
