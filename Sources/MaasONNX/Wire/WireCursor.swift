import MaasCore

/// The kinds of field that the protobuf wire format knows; raw values are the low three bits of a tag.
enum WireType: UInt8 {
  case varint = 0
  case fixed64 = 1
  case bytes = 2
  case groupStart = 3
  case groupEnd = 4
  case fixed32 = 5
}

struct WireTag: Equatable {
  let number: UInt32
  let type: WireType
}

/// Walks the primitives of the protobuf wire format. Every read of the model's bytes while parsing happens in this
/// file, behind a check against `end`.
///
/// What is refused and what is let pass follows libprotobuf, so that both read the same files.
struct WireCursor {
  private let bytes: UnsafeRawBufferPointer
  private(set) var position: Int
  /// Where the message that is being read ends.
  private(set) var end: Int

  init(_ bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    position = 0
    end = bytes.count
  }

  var isAtEnd: Bool { position == end }

  private func failure(_ problem: String) -> MaasError {
    MaasError(
      .invalidModel, "\(problem) at byte \(position) of \(bytes.count)",
      hint: "the file is damaged, incomplete, or no ONNX model")
  }

  /// Limits reading to the next `count` bytes; returns the end to restore with `leave`.
  mutating func enter(_ range: Range<Int>) -> Int {
    let outer = end
    position = range.lowerBound
    end = range.upperBound
    return outer
  }

  mutating func leave(to outer: Int) { end = outer }

  private mutating func byte() throws(MaasError) -> UInt8 {
    guard position < end else { throw failure("a field is cut off") }
    let byte = bytes[position]
    position += 1
    return byte
  }

  mutating func varint() throws(MaasError) -> UInt64 {
    if let value = try varint(most: 10) { return value }
    throw failure("a number has more than ten bytes")
  }

  /// A varint of at most five bytes, as tags and lengths have.
  private mutating func shortVarint() throws(MaasError) -> UInt64 {
    if let value = try varint(most: 5) { return value }
    throw failure("a tag or length has more than five bytes")
  }

  /// Nil where it does not end within so many bytes.
  private mutating func varint(most count: UInt64) throws(MaasError) -> UInt64? {
    var value: UInt64 = 0
    for i in 0..<count {
      let byte = try byte()
      value |= UInt64(byte & 0x7f) << (7 * i)
      if byte < 0x80 { return value }
    }
    return nil
  }

  mutating func tag() throws(MaasError) -> WireTag {
    let raw = UInt32(truncatingIfNeeded: try shortVarint())
    guard let type = WireType(rawValue: UInt8(raw & 7)), raw >> 3 != 0 else {
      throw failure("a field has an impossible tag")
    }
    return WireTag(number: raw >> 3, type: type)
  }

  /// The range of the next `count` bytes, which are passed over.
  private mutating func take(_ count: UInt64) throws(MaasError) -> Range<Int> {
    guard count <= UInt64(end - position) else {
      throw failure("a field of \(count) bytes runs past the end")
    }
    let start = position
    position += Int(count)
    return start..<position
  }

  mutating func lengthDelimited() throws(MaasError) -> Range<Int> { try take(try shortVarint()) }

  mutating func float() throws(MaasError) -> Float {
    Float(bitPattern: loadUInt32(try take(4)))
  }

  /// Passes over one number.
  mutating func number(_ encoding: NumberEncoding) throws(MaasError) -> Range<Int> {
    switch encoding {
    case .varint:
      let start = position
      _ = try varint()
      return start..<position
    case .fixed32: return try take(4)
    case .fixed64: return try take(8)
    }
  }

  /// The bits of one number, zero-extended.
  mutating func bits(_ encoding: NumberEncoding) throws(MaasError) -> UInt64 {
    switch encoding {
    case .varint: return try varint()
    case .fixed32: return UInt64(loadUInt32(try take(4)))
    case .fixed64: return bytes.loadUnaligned(fromByteOffset: try take(8).lowerBound, as: UInt64.self)
    }
  }

  private func loadUInt32(_ range: Range<Int>) -> UInt32 {
    bytes.loadUnaligned(fromByteOffset: range.lowerBound, as: UInt32.self)
  }

  /// How many numbers a packed run holds; leaves the cursor behind it.
  mutating func countNumbers(in run: Range<Int>, _ encoding: NumberEncoding) throws(MaasError) -> Int {
    let width = encoding == .fixed32 ? 4 : 8
    if encoding != .varint {
      guard run.count % width == 0 else { throw failure("a packed list is cut off") }
      return run.count / width
    }
    let outer = enter(run)
    defer { leave(to: outer) }
    var count = 0
    while !isAtEnd {
      _ = try varint()
      count += 1
    }
    return count
  }

  /// Passes over the contents of a field that nobody knows. `depth` more groups may nest in each other.
  mutating func skip(_ tag: WireTag, depth: Int) throws(MaasError) {
    switch tag.type {
    case .varint: _ = try varint()
    case .fixed64: _ = try take(8)
    case .bytes: _ = try lengthDelimited()
    case .fixed32: _ = try take(4)
    case .groupEnd: throw failure("a group ends that never began")
    case .groupStart: try skipGroup(tag.number, depth: depth)
    }
  }

  private mutating func skipGroup(_ number: UInt32, depth: Int) throws(MaasError) {
    var open = [number]
    while let innermost = open.last {
      guard open.count <= depth else { throw tooDeep() }
      let tag = try tag()
      switch tag.type {
      case .groupStart: open.append(tag.number)
      case .groupEnd where tag.number == innermost: open.removeLast()
      default: try skip(tag, depth: 0)
      }
    }
  }

  func tooDeep() -> MaasError {
    MaasError(
      .limitExceeded, "what is at byte \(position) of \(bytes.count) nests deeper than maas reads",
      expected: "at most \(WireReader.depthLimit) levels")
  }
}
