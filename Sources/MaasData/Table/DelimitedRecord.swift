import MaasCore

/// The fields of one record. Valid as long as its file.
package struct DelimitedRecord {
  /// The row, from 0.
  package let number: Int
  private let bytes: UnsafeRawBufferPointer
  private let fields: [FieldRange]

  init(number: Int, _ bytes: UnsafeRawBufferPointer, _ fields: [FieldRange]) {
    (self.number, self.bytes, self.fields) = (number, bytes, fields)
  }

  package var count: Int { fields.count }

  /// The text of a field, spaces around it left out.
  package func text(_ column: Int) -> String {
    let field = fields[column]
    if !field.hasEscapes { return String(decoding: trimmed(column), as: UTF8.self) }
    var text: [UInt8] = []
    var isSecond = false
    for byte in bytes[field.range] {
      isSecond = byte == UInt8(ascii: "\"") && !isSecond
      if !isSecond { text.append(byte) }
    }
    return String(decoding: text, as: UTF8.self)
  }

  package func number(_ column: Int) -> Double? { DecimalNumber.parse(trimmed(column)) }

  package func isMissing(_ column: Int, _ markers: MissingMarkers) -> Bool {
    markers.contains(trimmed(column))
  }

  private func trimmed(_ column: Int) -> UnsafeBufferPointer<UInt8> {
    var range = fields[column].range
    while range.lowerBound < range.upperBound, isSpace(bytes[range.lowerBound]) {
      range = range.lowerBound + 1..<range.upperBound
    }
    while range.lowerBound < range.upperBound, isSpace(bytes[range.upperBound - 1]) {
      range = range.lowerBound..<range.upperBound - 1
    }
    return UnsafeRawBufferPointer(rebasing: bytes[range]).assumingMemoryBound(to: UInt8.self)
  }
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 32 || byte == 9 }

// The first record.
extension DelimitedRecord {
  fileprivate var texts: [String] { (0..<count).map { text($0) } }

  func looksLikeHeader(_ named: [String]) -> Bool {
    let texts = texts
    if !named.isEmpty, named.allSatisfy(texts.contains) { return true }
    return (0..<count).allSatisfy { number($0) == nil && !texts[$0].isEmpty }
  }

  func columnNames(_ path: String) throws(MaasError) -> [String] {
    var names: [String] = []
    for (i, text) in texts.enumerated() {
      let name = text.isEmpty ? "column\(i + 1)" : text
      if names.contains(name) {
        throw MaasError(
          .invalidArgument, "the header names two columns '\(name)'",
          expected: "a name of its own for each column",
          hint: "rename one of them, or say --header no"
        ).inFile(path)
      }
      names.append(name)
    }
    return names
  }
}

/// What stands for a value that is not known.
package struct MissingMarkers: Sendable {
  private let markers: Set<[UInt8]>
  private let longest: Int

  package static let usual = ["", "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NULL", "null", "None", "?"]

  package init(_ more: [String] = []) {
    markers = Set((MissingMarkers.usual + more).map { Array($0.utf8) })
    longest = markers.reduce(0) { max($0, $1.count) }
  }

  func contains(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
    if bytes.isEmpty { return true }
    return bytes.count <= longest && markers.contains(Array(bytes))
  }
}
