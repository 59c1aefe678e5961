import MaasCore

/// Reads UTF-8 one Unicode scalar at a time.
struct Scalars {
  /// What stands for a byte that is no UTF-8, and for the end: no scalars.
  static let invalid: UInt32 = .max
  static let end: UInt32 = .max - 1
  /// What stands for sequences that RE2 reads where it reads whatever is not ASCII: longer than they need to be, or of
  /// more than there are.
  static let beyond: UInt32 = 0x110000

  private let bytes: UnsafeRawBufferPointer
  /// The offset of what `next` reads.
  private(set) var offset: Int
  private let asRE2: Bool

  /// `asRE2`: surrogates are scalars too, and some of what is no UTF-8 is `beyond`.
  init(_ text: StringElement, from offset: Int = 0, asRE2: Bool = false) {
    (bytes, self.offset, self.asRE2) = (text.bytes, offset, asRE2)
  }

  mutating func next() -> UInt32 {
    guard offset < bytes.count else { return Scalars.end }
    let first = bytes[offset]
    if first >= 0x80 { return wide(first) }
    offset += 1
    return UInt32(first)
  }

  private mutating func wide(_ first: UInt8) -> UInt32 {
    let count = (~first).leadingZeroBitCount
    let start = offset
    offset += 1
    guard (2...4).contains(count), count <= bytes.count - start else { return Scalars.invalid }
    var value = UInt32(first & 0x7f >> count)
    for i in 1..<count {
      let byte = bytes[start + i]
      guard byte & 0xc0 == 0x80 else { return Scalars.invalid }
      value = value << 6 | UInt32(byte & 0x3f)
    }
    let least: UInt32 = count == 2 ? 0x80 : count == 3 ? 0x800 : 0x10000
    let isScalar = value >= least && Unicode.Scalar(value) != nil
    guard isScalar || asRE2 && count > 2 && first < 0xf5 else { return Scalars.invalid }
    offset = start + count
    return value >= least ? min(value, Scalars.beyond) : Scalars.beyond
  }
}
