import MaasCore
import Testing

@testable import MaasONNX

/// Runs `body` with a cursor over `bytes`.
private func reading<R>(_ bytes: [UInt8], _ body: (inout WireCursor) throws -> R) throws -> R {
  try bytes.withUnsafeBytes { buffer in
    var cursor = WireCursor(buffer)
    return try body(&cursor)
  }
}

// The encodings are those of the protobuf wire format's specification.
@Suite struct WireCursorTests {
  @Test(
    arguments: [
      ([0x00], 0), ([0x7f], 127), ([0x80, 0x01], 128), ([0xac, 0x02], 300), ([0x96, 0x01], 150),
      ([0x80, 0x80, 0x00], 0),
      ([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], UInt64.max),
      // Bits beyond the 64th are dropped.
      ([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f], 1 << 63),
    ] as [([UInt8], UInt64)])
  func varint(bytes: [UInt8], value: UInt64) throws {
    #expect(try reading(bytes) { try $0.varint() } == value)
  }

  @Test(
    arguments: [
      [], [0x80], [0xff, 0xff], [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01],
    ] as [[UInt8]])
  func malformedVarint(bytes: [UInt8]) {
    #expect(throws: MaasError.self) { try reading(bytes) { try $0.varint() } }
  }

  @Test(
    arguments: [
      ([0x08], 1, .varint), ([0x12], 2, .bytes), ([0x1b], 3, .groupStart), ([0x24], 4, .groupEnd),
      ([0x2d], 5, .fixed32), ([0x31], 6, .fixed64), ([0xca, 0x01], 25, .bytes),
      ([0xf8, 0xff, 0xff, 0xff, 0x0f], (1 << 29) - 1, .varint),
    ] as [([UInt8], UInt32, WireType)])
  func tag(bytes: [UInt8], number: UInt32, type: WireType) throws {
    #expect(try reading(bytes) { try $0.tag() } == WireTag(number: number, type: type))
  }

  /// Field number 0, the wire types 6 and 7, more than five bytes.
  @Test(arguments: [[0x00], [0x02], [0x0e], [0x0f], [0x88, 0x80, 0x80, 0x80, 0x80, 0x00]] as [[UInt8]])
  func malformedTag(bytes: [UInt8]) {
    #expect(throws: MaasError.self) { try reading(bytes) { try $0.tag() } }
  }

  @Test func lengthsAreCheckedAgainstTheEnd() throws {
    #expect(try reading([0x02, 7, 8]) { try $0.lengthDelimited() } == 1..<3)
    #expect(throws: MaasError.self) { try reading([0x03, 7, 8]) { try $0.lengthDelimited() } }
    #expect(throws: MaasError.self) {
      try reading([0xff, 0xff, 0xff, 0xff, 0x7f, 0]) { try $0.lengthDelimited() }
    }
  }

  @Test func messagesEndWhereTheirLengthSays() throws {
    let rest = try reading([0x02, 0x08, 0x01, 0x10]) { cursor in
      let outer = cursor.enter(try cursor.lengthDelimited())
      _ = try cursor.tag()
      _ = try cursor.varint()
      #expect(cursor.isAtEnd)
      #expect(throws: MaasError.self) { try cursor.varint() }
      cursor.leave(to: outer)
      return try cursor.varint()
    }
    #expect(rest == 0x10)
  }

  @Test func packedNumbersAreCounted() throws {
    let bytes: [UInt8] = [1, 0xac, 0x02, 0x7f, 0, 0, 0, 0]
    #expect(try reading(bytes) { try $0.countNumbers(in: 0..<4, .varint) } == 3)
    #expect(try reading(bytes) { try $0.countNumbers(in: 0..<8, .fixed32) } == 2)
    #expect(try reading(bytes) { try $0.countNumbers(in: 0..<8, .fixed64) } == 1)
    #expect(throws: MaasError.self) { try reading(bytes) { try $0.countNumbers(in: 0..<2, .varint) } }
    #expect(throws: MaasError.self) { try reading(bytes) { try $0.countNumbers(in: 0..<7, .fixed32) } }
  }

  /// Groups end with their own number only, and nest no deeper than is allowed.
  @Test func groups() throws {
    let group: [UInt8] = [0x08, 0x05, 0x13, 0x14, 0x0c]
    #expect(try reading(group) { try skipped(&$0, depth: 2) } == 5)
    #expect(throws: MaasError.self) { try reading(group) { try skipped(&$0, depth: 1) } }
    #expect(throws: MaasError.self) { try reading([0x08, 0x05, 0x14]) { try skipped(&$0, depth: 9) } }
    #expect(throws: MaasError.self) { try reading([0x08, 0x05]) { try skipped(&$0, depth: 9) } }
  }

  /// Skips a group of number 1; tells where it ended.
  private func skipped(_ cursor: inout WireCursor, depth: Int) throws -> Int {
    try cursor.skip(WireTag(number: 1, type: .groupStart), depth: depth)
    return cursor.position
  }
}
