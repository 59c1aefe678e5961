import MaasCore

/// A text file of records with the same fields, such as CSV. It stays mapped; in memory is only where each record
/// begins.
package final class DelimitedFile: @unchecked Sendable {
  /// Whether the first record names the columns.
  package enum Header: String, Sendable, CaseIterable {
    case yes, no
    /// It does unless one of its fields is a number or empty.
    case auto
  }

  package let path: String
  package let delimiter: UInt8
  package let hasHeader: Bool
  /// The columns' names; `column1` … where the file has none.
  package private(set) var columns: [String] = []
  private let file: MappedFile
  /// Where the records begin, the header left out.
  private var starts: [Int] = []

  /// Finds all records and refuses those that have not as many fields as the first. `each` gets the fields of each.
  package init(
    _ path: String, delimiter: UInt8? = nil, header: Header = .auto, named: [String] = [],
    each: ((DelimitedFile, DelimitedRecord) throws(MaasError) -> Void)? = nil
  ) throws(MaasError) {
    let file = try MappedFile(path)
    self.file = file
    self.path = path
    if wideCoding(file.bytes) != nil { throw refusal(ofText: file.bytes).inFile(path) }
    let start = file.bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
    self.delimiter = delimiter ?? detectedDelimiter(file.bytes, from: start)
    var scanner = RecordScanner(file.bytes, delimiter: self.delimiter, offset: start)
    var first: [FieldRange] = []
    while first.isEmpty, !scanner.isAtEnd {
      try Self.next(&scanner, &first, file)
    }
    if first.isEmpty {
      throw MaasError(.invalidArgument, "the file is empty", expected: "records with delimited fields")
        .inFile(path)
    }
    try Self.checkText(file, start..<scanner.offset)
    let names = DelimitedRecord(number: 0, file.bytes, first)
    hasHeader = header == .yes || header == .auto && names.looksLikeHeader(named)
    columns = try hasHeader ? names.columnNames(path) : first.indices.map { "column\($0 + 1)" }
    if !hasHeader { scanner.offset = start }
    try scan(&scanner, each)
  }

  package var count: Int { starts.count }

  /// The record of a row, numbered from 0.
  package func record(_ row: Int) throws(MaasError) -> DelimitedRecord {
    var scanner = RecordScanner(file.bytes, delimiter: delimiter, offset: starts[row])
    var fields: [FieldRange] = []
    try Self.next(&scanner, &fields, file)
    guard fields.count == columns.count else { throw ragged(row, starts[row], fields.count) }
    return DelimitedRecord(number: row, file.bytes, fields)
  }

  /// Where a row is, for a person: rows are counted from 1, lines with the header.
  package func place(_ row: Int) -> String { "row \(row + 1) (line \(line(starts[row])))" }

  package func index(of column: String) throws(MaasError) -> Int {
    if let index = columns.firstIndex(of: column) { return index }
    throw MaasError(
      .notFound, "the file has no column '\(column)'", found: "the columns \(listed(columns))",
      hint: didYouMean(column, columns)
        ?? (hasHeader ? nil : "the file has no header: columns are numbered from 1")
    ).inFile(path)
  }

  private func scan(
    _ scanner: inout RecordScanner, _ each: ((DelimitedFile, DelimitedRecord) throws(MaasError) -> Void)?
  ) throws(MaasError) {
    var fields: [FieldRange] = []
    while !scanner.isAtEnd {
      let start = scanner.offset
      try Self.next(&scanner, &fields, file)
      if fields.isEmpty { continue }
      guard fields.count == columns.count else { throw ragged(starts.count, start, fields.count) }
      try Self.checkText(file, start..<scanner.offset)
      starts.append(start)
      try each?(self, DelimitedRecord(number: starts.count - 1, file.bytes, fields))
    }
  }

  private static func next(
    _ scanner: inout RecordScanner, _ fields: inout [FieldRange], _ file: MappedFile
  ) throws(MaasError) {
    do throws(RecordScanner.Failure) {
      try scanner.next(&fields)
    } catch {
      let (offset, problem) =
        switch error {
        case .open(let offset): (offset, "the quote is never closed")
        case .trailing(let offset): (offset, "text follows a closing quote")
        }
      throw MaasError(
        .invalidArgument, "line \(lineNumber(file.bytes, offset)): \(problem)",
        expected: "fields as RFC 4180 has them: \"a \"\"quoted\"\" word\"",
        hint: "double the quotes inside the field"
      ).inFile(file.path)
    }
  }

  /// Refuses a record that is no UTF-8: its names would become others.
  private static func checkText(_ file: MappedFile, _ range: Range<Int>) throws(MaasError) {
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[range])
    if bytes.allSatisfy({ $0 < 0x80 }) || String(utf8: bytes) != nil { return }
    throw refusal(ofText: bytes, "line \(lineNumber(file.bytes, range.lowerBound)): ").inFile(file.path)
  }

  private func ragged(_ row: Int, _ offset: Int, _ found: Int) -> MaasError {
    MaasError(
      .invalidArgument,
      "row \(row + 1) (line \(line(offset))) has another number of fields than the first record",
      expected: "\(columns.count)", found: "\(found)",
      hint: "quote fields that hold '\(delimiterName(delimiter))', or name another --delimiter"
    ).inFile(path)
  }

  private func line(_ offset: Int) -> Int { lineNumber(file.bytes, offset) }
}

private func lineNumber(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Int {
  1 + bytes.prefix(offset).reduce(0) { $0 + ($1 == 10 ? 1 : 0) }
}

package func delimiterName(_ byte: UInt8) -> String {
  byte == 9 ? "tab" : String(UnicodeScalar(byte))
}

/// `'a', 'b', …`
package func listed(_ names: [String], most: Int = 8) -> String {
  let shown = names.prefix(most).map { "'\($0)'" }
  return joined(names.count > most ? shown + ["… (\(names.count) in all)"] : shown, ", ")
}

/// The delimiter that stands in all of the first records most often.
private func detectedDelimiter(_ bytes: UnsafeRawBufferPointer, from start: Int) -> UInt8 {
  var best = (delimiter: UInt8(ascii: ","), count: 0)
  for delimiter in [",", "\t", ";", "|"].map({ Array($0.utf8)[0] }) {
    var scanner = RecordScanner(bytes, delimiter: delimiter, offset: start)
    var (fields, least, records): ([FieldRange], Int, Int) = ([], Int.max, 0)
    while !scanner.isAtEnd, records < 20 {
      do { try scanner.next(&fields) } catch { break }
      if fields.isEmpty { continue }
      least = min(least, fields.count - 1)
      records += 1
    }
    if records > 0, least > best.count { best = (delimiter, least) }
  }
  return best.delimiter
}
