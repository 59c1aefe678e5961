import CMaasKernels
import MaasCore

/// Words and the place of each, in memory that a step can search; where words are hashes of texts, with the texts.
struct WordTable {
  private let table: maas_key_table

  /// A table in what `memory` made; `texts` by their places. `missing` is the place of what is no key.
  init(
    _ memory: UnsafeMutableRawPointer, mask: Int, texts: UnsafeMutableRawPointer? = nil, missing: Int64 = -1
  ) {
    table = maas_key_table(
      keys: memory.assumingMemoryBound(to: maas_key.self), mask: UInt64(mask),
      texts: texts?.assumingMemoryBound(to: maas_text.self), missing: missing)
  }

  init(_ memory: Tensor, texts: Tensor? = nil) {
    self.init(memory.bytes, mask: WordTable.mask(memory.count), texts: texts?.bytes)
  }

  /// An empty table with room for `count` words: int64 pairs.
  static func memory(_ count: Int) throws(MaasError) -> Tensor {
    var capacity = 2
    while capacity < 4 * count { capacity *= 2 }
    let memory = try Tensor(.int64, [capacity, 2])
    let keys = memory.bytes.bindMemory(to: maas_key.self, capacity: capacity)
    for i in 0..<capacity { keys[i] = maas_key(word: 0, place: -1) }
    return memory
  }

  /// What the places of a table are taken modulo, given the elements of its memory.
  static func mask(_ elements: Int) -> Int { elements / 2 - 1 }

  /// Where the word is, or where it would go; of a text where words are hashes.
  func slot(_ word: UInt64, _ text: UnsafePointer<maas_text>? = nil) -> UnsafeMutablePointer<maas_key> {
    let i = withUnsafePointer(to: table) { maas_lookup($0, word, text) }
    return UnsafeMutablePointer(mutating: table.keys) + Int(i)
  }

  /// The places of elements of the type of the keys, or of floats where these are doubles.
  func find(_ dtype: DType, _ x: UnsafeRawPointer, _ range: Range<Int>, _ places: UnsafeMutablePointer<Int64>)
  {
    let (first, count) = (range.lowerBound, Int64(range.count))
    withUnsafePointer(to: table) { table in
      switch dtype {
      case .string:
        maas_lookup_texts(table, x.assumingMemoryBound(to: maas_text.self) + first, count, places)
      case .float: maas_lookup_f32(table, x.assumingMemoryBound(to: Float.self) + first, count, places)
      case .double: maas_lookup_f64(table, x.assumingMemoryBound(to: Double.self) + first, count, places)
      default: maas_lookup_i64(table, x.assumingMemoryBound(to: Int64.self) + first, count, places)
      }
    }
  }

  /// The word of an element.
  static func word(_ dtype: DType, _ x: UnsafeRawPointer, _ i: Int) -> UInt64 {
    switch dtype {
    case .string: maas_text_hash(x.assumingMemoryBound(to: maas_text.self)[i])
    case .double: maas_f64_word(x.assumingMemoryBound(to: Double.self)[i])
    default: x.assumingMemoryBound(to: UInt64.self)[i]
    }
  }
}
