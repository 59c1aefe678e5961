import MaasCore
import Testing

@testable import MaasData

private func rows(_ file: DelimitedFile) throws -> [[String]] {
  try (0..<file.count).map { row in
    let record = try file.record(row)
    return (0..<record.count).map { record.text($0) }
  }
}

@Suite struct DelimitedFiles {
  @Test func quotesLineEndsAndBlankLines() throws {
    let text = "\u{feff}name,\"said, loud\"\r\n\r\nAnn,\"a \"\"b\"\"\"\nBob,\"two\r\nlines\"\r\" x \", y \n"
    try withText(text) { path in
      let file = try DelimitedFile(path)
      #expect(file.columns == ["name", "said, loud"] && file.hasHeader)
      let found = try rows(file)
      #expect(found == [["Ann", "a \"b\""], ["Bob", "two\r\nlines"], ["x", "y"]])
      #expect(file.place(1) == "row 2 (line 4)")
    }
  }

  @Test(arguments: [(",", "a,b\n1,2\n"), (";", "a;b\n1,5;2\n"), ("\t", "a\tb, c\n1\t2\n"), ("|", "a|b\n1|2")])
  func delimiterIsFound(delimiter: String, text: String) throws {
    try withText(text) { path in
      let file = try DelimitedFile(path)
      #expect(delimiterName(file.delimiter) == (delimiter == "\t" ? "tab" : delimiter))
      #expect(file.columns.count == 2 && file.count == 1)
    }
  }

  @Test func firstRecordWithANumberIsNoHeader() throws {
    try withText("5.1,a\n4.9,b\n") { path in
      let file = try DelimitedFile(path)
      #expect(!file.hasHeader && file.columns == ["column1", "column2"] && file.count == 2)
    }
  }

  @Test(arguments: [
    (
      "a,b\n1,2\n\n3\n",
      "row 2 (line 4) has another number of fields than the first record: expected 2, found 1"
    ),
    ("a,b\n1,\"x\n", "line 2: the quote is never closed"),
    ("a,b\n\"x\"y,2\n", "line 2: text follows a closing quote"),
    ("a,a\n1,2\n", "the header names two columns 'a'"),
    ("", "the file is empty"),
  ])
  func damage(text: String, problem: String) throws {
    try withText(text) { path in
      let message = failure { _ = try DelimitedFile(path) }
      #expect(message.hasPrefix(problem))
    }
  }
}

@Suite struct TextCodings {
  private func utf16(_ text: String, mark: Bool, swapped: Bool = false) -> [UInt8] {
    ((mark ? [0xfeff] : []) + Array(text.utf16)).flatMap { unit -> [UInt8] in
      let bytes = [UInt8(unit & 0xff), UInt8(unit >> 8)]
      return swapped ? bytes.reversed() : bytes
    }
  }

  @Test func wideCodingsAreNamed() throws {
    let text = "a,b\n1,2\n"
    let cases: [([UInt8], String)] = [
      (utf16(text, mark: true), "UTF-16"), (utf16(text, mark: true, swapped: true), "UTF-16"),
      (utf16(text, mark: false), "UTF-16LE"), (utf16(text, mark: false, swapped: true), "UTF-16BE"),
      ([0xff, 0xfe, 0, 0] + [0x61, 0, 0, 0], "UTF-32"),
    ]
    for (bytes, name) in cases {
      try withFile(bytes) { path in
        let message = failure { _ = try DelimitedFile(path) }
        #expect(
          message
            == "the file is no text: expected UTF-8, found \(name); convert it, for instance with iconv -f \(name) "
            + "-t UTF-8")
      }
    }
  }

  @Test func otherBytesAreRefusedWithTheirLine() throws {
    for bytes in [
      Array("a,b\n1,K".utf8) + [0xf6] + Array("ln\n".utf8), Array("K".utf8) + [0xf6, 0x2c, 0x62, 10],
    ] {
      let line = bytes.firstIndex(of: 10) == 3 ? 2 : 1
      try withFile(bytes) { path in
        let message = failure { _ = try DelimitedFile(path) }
        #expect(message.hasPrefix("line \(line): the text cannot be read: expected UTF-8, found other bytes"))
      }
    }
    try withText("a,b\n1,Köln\n") { path in
      let file = try DelimitedFile(path)
      let found = try rows(file)
      #expect(found == [["1", "Köln"]])
    }
  }
}

@Suite struct DecimalNumbers {
  @Test(arguments: [
    "0", "-0", "1", "+1.5", ".5", "5.", "1e3", "1E-3", "123456789012345678901234567890", "0.1",
    "9007199254740993",
    "1e22", "1e23", "4.9e-324", "1.7976931348623157e308", "0.000123", "3.14159265358979323846", "1e-22",
    "-12.50e+1",
  ])
  func sameAsTheStandardLibrary(text: String) {
    let expected = Double(text.hasSuffix(".") ? text + "0" : text)
    #expect(Array(text.utf8).withUnsafeBufferPointer { DecimalNumber.parse($0) } == expected)
  }

  @Test(arguments: ["", "x", "1x", "-", ".", "1e", "e5", "1,5", "1 2", "0x10", "--1"])
  func noNumbers(text: String) {
    #expect(Array(text.utf8).withUnsafeBufferPointer { DecimalNumber.parse($0) } == nil)
  }
}
