import CMaasSystem
import MaasCore

/// Words and the place of each, in memory that a step can search: open addressing, at most half full.
struct WordTable {
  struct Pair {
    var word: UInt64
    /// -1: nothing is here.
    var place: Int
  }

  private let pairs: UnsafeMutablePointer<Pair>
  private let mask: Int

  /// A table in what `memory` made.
  init(_ memory: UnsafeMutableRawPointer, mask: Int) {
    pairs = memory.assumingMemoryBound(to: Pair.self)
    self.mask = mask
  }

  init(_ memory: Tensor) { self.init(memory.bytes, mask: WordTable.mask(memory.count)) }

  /// An empty table with room for `count` words: int64 pairs.
  static func memory(_ count: Int) throws(MaasError) -> Tensor {
    var capacity = 2
    while capacity < 2 * count { capacity *= 2 }
    let memory = try Tensor(.int64, [capacity, 2])
    let pairs = memory.bytes.bindMemory(to: Pair.self, capacity: capacity)
    for i in 0..<capacity { pairs[i] = Pair(word: 0, place: -1) }
    return memory
  }

  /// What the places of a table are taken modulo, given the elements of its memory.
  static func mask(_ elements: Int) -> Int { elements / 2 - 1 }

  /// Where the word is, or where it would go. `isKey` tells apart what has one word: whether a place is the one meant.
  @inline(__always)
  func slot(_ word: UInt64, _ isKey: (Int) -> Bool = { _ in true }) -> UnsafeMutablePointer<Pair> {
    var i = Int(truncatingIfNeeded: mixed(word, 0x9e37_79b9_7f4a_7c15)) & mask
    while pairs[i].place >= 0 {
      if pairs[i].word == word, isKey(pairs[i].place) { break }
      i = (i + 1) & mask
    }
    return pairs + i
  }
}

/// The halves of the product, each bit of which depends on many bits of both numbers.
@inline(__always)
private func mixed(_ a: UInt64, _ b: UInt64) -> UInt64 {
  let (high, low) = a.multipliedFullWidth(by: b)
  return high ^ low
}

extension StringElement {
  /// A number that few other strings share.
  var hash: UInt64 {
    let (bytes, secret): (_, UInt64) = (bytes, 0xd6e8_feb8_6659_fd93)
    var hash = UInt64(truncatingIfNeeded: count) ^ 0xa076_1d64_78bd_642f
    var i = 0
    while i + 8 <= count {
      hash = mixed(hash ^ bytes.loadUnaligned(fromByteOffset: i, as: UInt64.self), secret)
      i += 8
    }
    var rest: UInt64 = 0
    while i < count {
      rest = rest << 8 | UInt64(bytes[i])
      i += 1
    }
    return mixed(hash ^ rest, secret)
  }
}

extension Double {
  /// The same for all that compare equal, and for every NaN.
  var word: UInt64 { isNaN ? 0x7ff8 << 48 : self == 0 ? 0 : bitPattern }
}
