/// One field of a record: where it stands in the file, quotes left out.
package struct FieldRange {
  package var range: Range<Int>
  /// Whether quotes in it stand twice.
  package var hasEscapes = false
}

/// Finds records and fields as RFC 4180 has them: fields between delimiters, in quotes where they hold delimiters, line
/// ends or quotes, which then stand twice. Records end with CRLF, LF or CR.
struct RecordScanner {
  private let bytes: UnsafeRawBufferPointer
  private let delimiter: UInt8
  var offset: Int

  enum Failure: Error {
    /// A quote that nothing closes.
    case open(Int)
    /// Something between a closing quote and the next delimiter.
    case trailing(Int)
  }

  init(_ bytes: UnsafeRawBufferPointer, delimiter: UInt8, offset: Int = 0) {
    (self.bytes, self.delimiter, self.offset) = (bytes, delimiter, offset)
  }

  var isAtEnd: Bool { offset >= bytes.count }

  /// The fields of the record at the offset, which moves behind its line end. None for a blank line.
  mutating func next(_ fields: inout [FieldRange]) throws(Failure) {
    fields.removeAll(keepingCapacity: true)
    if takeLineEnd() { return }
    while true {
      fields.append(try field())
      if offset < bytes.count, bytes[offset] == delimiter {
        offset += 1
      } else {
        _ = takeLineEnd()
        return
      }
    }
  }

  private mutating func takeLineEnd() -> Bool {
    guard offset < bytes.count else { return false }
    let byte = bytes[offset]
    guard byte == 10 || byte == 13 else { return false }
    offset += 1
    if byte == 13, offset < bytes.count, bytes[offset] == 10 { offset += 1 }
    return true
  }

  private mutating func field() throws(Failure) -> FieldRange {
    if offset < bytes.count, bytes[offset] == quote { return try quotedField() }
    let start = offset
    while offset < bytes.count, !endsField(bytes[offset]) { offset += 1 }
    return FieldRange(range: start..<offset)
  }

  private func endsField(_ byte: UInt8) -> Bool { byte == delimiter || byte == 10 || byte == 13 }

  private mutating func quotedField() throws(Failure) -> FieldRange {
    offset += 1
    var field = FieldRange(range: offset..<offset)
    while offset < bytes.count {
      guard bytes[offset] == quote else {
        offset += 1
        continue
      }
      if offset + 1 < bytes.count, bytes[offset + 1] == quote {
        field.hasEscapes = true
        offset += 2
        continue
      }
      field.range = field.range.lowerBound..<offset
      offset += 1
      if offset < bytes.count, !endsField(bytes[offset]) { throw .trailing(offset) }
      return field
    }
    throw .open(field.range.lowerBound - 1)
  }
}

private let quote = UInt8(ascii: "\"")
