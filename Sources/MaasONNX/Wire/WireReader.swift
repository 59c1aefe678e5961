import MaasCore

/// Fills messages from the wire format. A field that comes twice behaves as in libprotobuf: the last number or string
/// wins, messages merge, lists grow.
struct WireReader: FieldVisitor {
  /// How many messages may contain each other, as in libprotobuf.
  static let depthLimit = 100

  private var cursor: WireCursor
  private var depth = Self.depthLimit
  /// The tag of the field that waits for its owner; nil once somebody took it.
  private var pending: WireTag?

  private init(_ bytes: UnsafeRawBufferPointer) { cursor = WireCursor(bytes) }

  static func read<M: Message>(_ type: M.Type, from bytes: UnsafeRawBufferPointer) throws(MaasError) -> M {
    var reader = WireReader(bytes)
    var message = M()
    try reader.merge(into: &message)
    return message
  }

  /// Reads a message that is a part of `bytes`; blobs are ranges of the whole.
  static func read<M: Message>(
    _ type: M.Type, from bytes: UnsafeRawBufferPointer, in range: Range<Int>
  ) throws(MaasError) -> M {
    var reader = WireReader(bytes)
    _ = reader.cursor.enter(range)
    var message = M()
    try reader.merge(into: &message)
    return message
  }

  /// The contents of the fields with this number among unknown ones.
  static func blobs(
    _ number: UInt32, among unknown: [Range<Int>], of bytes: UnsafeRawBufferPointer
  ) throws(MaasError) -> [Blob] {
    var blobs: [Blob] = []
    for range in unknown {
      var cursor = WireCursor(bytes)
      _ = cursor.enter(range)
      guard try cursor.tag() == WireTag(number: number, type: .bytes) else { continue }
      blobs.append(.source(try cursor.lengthDelimited()))
    }
    return blobs
  }

  private mutating func merge<M: Message>(into message: inout M) throws(MaasError) {
    while !cursor.isAtEnd {
      let start = cursor.position
      let tag = try cursor.tag()
      pending = tag
      try message.fields(&self)
      guard pending != nil else { continue }
      try cursor.skip(tag, depth: depth)
      message.unknown.append(start..<cursor.position)
    }
  }

  /// Whether the waiting field is this one; the caller then reads it.
  private mutating func take(_ number: UInt32, _ type: WireType) -> Bool {
    guard pending == WireTag(number: number, type: type) else { return false }
    pending = nil
    return true
  }

  private mutating func nested<M: Message>(_ message: inout M) throws(MaasError) {
    guard depth > 0 else { throw cursor.tooDeep() }
    depth -= 1
    let outer = cursor.enter(try cursor.lengthDelimited())
    try merge(into: &message)
    cursor.leave(to: outer)
    depth += 1
    pending = nil
  }

  mutating func integer<I: FixedWidthInteger & SignedInteger>(_ number: UInt32, _ value: inout I?)
    throws(MaasError) -> Bool
  {
    guard take(number, .varint) else { return false }
    value = I(truncatingIfNeeded: try cursor.varint())
    return true
  }

  mutating func enumeration(_ number: UInt32, _ value: inout Int32?, known: ClosedRange<Int32>)
    throws(MaasError) -> Bool
  {
    guard pending == WireTag(number: number, type: .varint) else { return false }
    var ahead = cursor
    let found = Int32(truncatingIfNeeded: try ahead.varint())
    guard known.contains(found) else { return false }
    (cursor, pending, value) = (ahead, nil, found)
    return true
  }

  mutating func float(_ number: UInt32, _ value: inout Float?) throws(MaasError) -> Bool {
    guard take(number, .fixed32) else { return false }
    value = try cursor.float()
    return true
  }

  mutating func blob(_ number: UInt32, _ value: inout Blob?) throws(MaasError) -> Bool {
    guard take(number, .bytes) else { return false }
    value = .source(try cursor.lengthDelimited())
    return true
  }

  mutating func blobs(_ number: UInt32, _ values: inout [Blob]) throws(MaasError) -> Bool {
    guard take(number, .bytes) else { return false }
    values.append(.source(try cursor.lengthDelimited()))
    return true
  }

  mutating func integers(_ number: UInt32, _ values: inout [Int64]) throws(MaasError) -> Bool {
    try elements(number, .varint) { (cursor) throws(MaasError) in
      values.append(Int64(bitPattern: try cursor.varint()))
    }
  }

  mutating func floats(_ number: UInt32, _ values: inout [Float]) throws(MaasError) -> Bool {
    try elements(number, .fixed32) { (cursor) throws(MaasError) in values.append(try cursor.float()) }
  }

  /// Calls `read` for one element, or for each one of a packed run.
  private mutating func elements(
    _ number: UInt32, _ type: WireType, _ read: (inout WireCursor) throws(MaasError) -> Void
  ) throws(MaasError) -> Bool {
    if take(number, type) {
      try read(&cursor)
      return true
    }
    guard take(number, .bytes) else { return false }
    let outer = cursor.enter(try cursor.lengthDelimited())
    while !cursor.isAtEnd { try read(&cursor) }
    cursor.leave(to: outer)
    return true
  }

  mutating func numbers(_ number: UInt32, _ encoding: NumberEncoding, _ values: inout NumberList)
    throws(MaasError) -> Bool
  {
    if take(number, encoding.wireType) {
      values.append(try cursor.number(encoding), count: 1)
      return true
    }
    guard take(number, .bytes) else { return false }
    let run = try cursor.lengthDelimited()
    values.append(run, count: try cursor.countNumbers(in: run, encoding))
    return true
  }

  mutating func message<M: Message>(_ number: UInt32, _ value: inout Box<M>) throws(MaasError) -> Bool {
    guard take(number, .bytes) else { return false }
    try value.update(orStartWith: M()) { (message) throws(MaasError) in try nested(&message) }
    return true
  }

  mutating func messages<M: Message>(_ number: UInt32, _ values: inout [M]) throws(MaasError) -> Bool {
    guard take(number, .bytes) else { return false }
    values.append(M())
    try nested(&values[values.count - 1])
    return true
  }
}

extension NumberEncoding {
  var wireType: WireType {
    switch self {
    case .varint: .varint
    case .fixed32: .fixed32
    case .fixed64: .fixed64
    }
  }
}
