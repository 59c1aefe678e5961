import MaasCore

/// A number that shows whether bytes are the same, however they come in pieces. It protects against damage, not against
/// those who want to deceive.
package struct Checksum {
  private var value: UInt64 = 0xcbf2_9ce4_8422_2325
  private var count = 0
  /// The bytes since the last whole word, the first lowest.
  private var word: UInt64 = 0

  package init() {}

  package mutating func add(_ bytes: UnsafeRawBufferPointer) {
    var at = 0
    while at < bytes.count, count % 8 != 0 {
      add(bytes[at])
      at += 1
    }
    while bytes.count - at >= 8 {
      mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self)))
      at += 8
      count += 8
    }
    while at < bytes.count {
      add(bytes[at])
      at += 1
    }
  }

  private mutating func add(_ byte: UInt8) {
    word |= UInt64(byte) << UInt64(count % 8 * 8)
    count += 1
    guard count % 8 == 0 else { return }
    mix(word)
    word = 0
  }

  /// For each state a bijection of the word, and for each word one of the state: one changed word is always seen.
  private mutating func mix(_ word: UInt64) {
    value = (value ^ word) &* 0x100_0000_01b3
    value ^= value >> 32
  }

  package func finished() -> UInt64 {
    var rest = self
    rest.mix(word)
    rest.mix(UInt64(count))
    return rest.value
  }
}
