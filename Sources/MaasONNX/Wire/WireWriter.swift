import MaasCore

/// Writes messages in the wire format: known fields in the order of their list, then the unknown ones as they were
/// met. The same message always gives the same bytes; weights are copied from the model's bytes once, at the end.
///
/// A message's length stands before its contents, so messages are shown twice: first to a writer that only counts,
/// then to one that writes and finds the lengths in the order in which they were counted.
struct WireWriter: FieldVisitor {
  /// Where ranges of blobs, number lists and unknown fields lie.
  private let source: UnsafeRawBufferPointer
  /// Nil while counting.
  private let output: UnsafeMutableRawBufferPointer?
  private var position = 0
  /// The length of every nested message, outer before inner, first to last.
  private var lengths: [Int] = []
  private var nextLength = 0

  private init(_ source: UnsafeRawBufferPointer, _ output: UnsafeMutableRawBufferPointer?, _ lengths: [Int]) {
    self.source = source
    self.output = output
    self.lengths = lengths
  }

  /// The bytes of a message; `source` is what it was read from.
  static func write<M: Message>(_ message: M, source: UnsafeRawBufferPointer) throws(MaasError)
    -> TensorStorage
  {
    var counter = WireWriter(source, nil, [])
    try counter.contents(message)
    let storage = try TensorStorage.allocate(counter.position)
    let output = UnsafeMutableRawBufferPointer(start: storage.base, count: counter.position)
    var writer = WireWriter(source, output, counter.lengths)
    try writer.contents(message)
    return storage
  }

  private mutating func contents<M: Message>(_ message: M) throws(MaasError) {
    var message = message
    try message.fields(&self)
    for range in message.unknown { try copy(range) }
  }

  private func overrun() -> MaasError { MaasError(.internal, "a message changed while it was written") }

  private mutating func byte(_ byte: UInt8) throws(MaasError) {
    if let output {
      guard position < output.count else { throw overrun() }
      output[position] = byte
    }
    position += 1
  }

  private mutating func bytes(_ bytes: UnsafeRawBufferPointer) throws(MaasError) {
    if let output {
      guard bytes.count <= output.count - position else { throw overrun() }
      UnsafeMutableRawBufferPointer(rebasing: output[position...]).copyMemory(from: bytes)
    }
    position += bytes.count
  }

  /// Copies a range of the model's own bytes.
  private mutating func copy(_ range: Range<Int>) throws(MaasError) {
    guard range.lowerBound >= 0, range.upperBound <= source.count else {
      throw MaasError(.internal, "the message belongs to another model's bytes")
    }
    try bytes(UnsafeRawBufferPointer(rebasing: source[range]))
  }

  private mutating func varint(_ value: UInt64) throws(MaasError) {
    var rest = value
    while rest >= 0x80 {
      try byte(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    try byte(UInt8(truncatingIfNeeded: rest))
  }

  private mutating func tag(_ number: UInt32, _ type: WireType) throws(MaasError) {
    try varint(UInt64(number) << 3 | UInt64(type.rawValue))
  }

  private mutating func bits(_ float: Float) throws(MaasError) {
    for shift: UInt32 in [0, 8, 16, 24] {
      try byte(UInt8(truncatingIfNeeded: float.bitPattern >> shift))
    }
  }

  private mutating func field(_ number: UInt32, _ blob: Blob) throws(MaasError) {
    try tag(number, .bytes)
    try varint(UInt64(blob.count))
    switch blob {
    case .source(let range): try copy(range)
    case .made(let made): for byte in made { try self.byte(byte) }
    case .stored(let storage):
      try bytes(UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount))
    }
  }

  private mutating func nested<M: Message>(_ number: UInt32, _ message: M) throws(MaasError) {
    try tag(number, .bytes)
    if output == nil {
      let index = lengths.count
      lengths.append(0)
      let start = position
      try contents(message)
      lengths[index] = position - start
      try varint(UInt64(lengths[index]))
    } else {
      guard nextLength < lengths.count else { throw overrun() }
      nextLength += 1
      try varint(UInt64(lengths[nextLength - 1]))
      try contents(message)
    }
  }

  mutating func integer<I: FixedWidthInteger & SignedInteger>(_ number: UInt32, _ value: inout I?)
    throws(MaasError) -> Bool
  {
    guard let value else { return false }
    try tag(number, .varint)
    try varint(UInt64(bitPattern: Int64(value)))
    return false
  }

  mutating func enumeration(_ number: UInt32, _ value: inout Int32?, known: ClosedRange<Int32>)
    throws(MaasError) -> Bool
  {
    try integer(number, &value)
  }

  mutating func float(_ number: UInt32, _ value: inout Float?) throws(MaasError) -> Bool {
    guard let value else { return false }
    try tag(number, .fixed32)
    try bits(value)
    return false
  }

  mutating func blob(_ number: UInt32, _ value: inout Blob?) throws(MaasError) -> Bool {
    if let value { try field(number, value) }
    return false
  }

  mutating func blobs(_ number: UInt32, _ values: inout [Blob]) throws(MaasError) -> Bool {
    for value in values { try field(number, value) }
    return false
  }

  mutating func integers(_ number: UInt32, _ values: inout [Int64]) throws(MaasError) -> Bool {
    for value in values {
      try tag(number, .varint)
      try varint(UInt64(bitPattern: value))
    }
    return false
  }

  mutating func floats(_ number: UInt32, _ values: inout [Float]) throws(MaasError) -> Bool {
    for value in values {
      try tag(number, .fixed32)
      try bits(value)
    }
    return false
  }

  mutating func numbers(_ number: UInt32, _ encoding: NumberEncoding, _ values: inout NumberList)
    throws(MaasError) -> Bool
  {
    guard !values.isEmpty else { return false }
    try tag(number, .bytes)
    try varint(UInt64(values.pieces.reduce(0) { $0 + $1.count }))
    for piece in values.pieces { try copy(piece) }
    return false
  }

  mutating func message<M: Message>(_ number: UInt32, _ value: inout Box<M>) throws(MaasError) -> Bool {
    if let message = value.value { try nested(number, message) }
    return false
  }

  mutating func messages<M: Message>(_ number: UInt32, _ values: inout [M]) throws(MaasError) -> Bool {
    for value in values { try nested(number, value) }
    return false
  }
}
