/// Steele, Lea and Flood's SplitMix64: the same damage for the same seed everywhere.
struct SplitMix64: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// 0..<bound; 0 for a bound of 0.
  mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(next() % UInt64(bound)) : 0 }

  mutating func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
}

/// What can happen to a file.
enum Damage {
  static func any(_ random: inout SplitMix64, _ bytes: inout [UInt8]) {
    let kinds = [flip, flip, flip, overwrite, insert, remove, splice, truncate]
    kinds[random.below(kinds.count)](&random, &bytes)
  }

  private static func range(_ random: inout SplitMix64, _ bytes: [UInt8], longest: Int) -> Range<Int> {
    let start = random.below(bytes.count)
    return start..<min(bytes.count, start + 1 + random.below(longest))
  }

  private static func flip(_ random: inout SplitMix64, _ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    bytes[random.below(bytes.count)] ^= 1 << UInt8(random.below(8))
  }

  private static func overwrite(_ random: inout SplitMix64, _ bytes: inout [UInt8]) {
    for i in range(&random, bytes, longest: 6) { bytes[i] = random.byte() }
  }

  private static func insert(_ random: inout SplitMix64, _ bytes: inout [UInt8]) {
    let new = (0...random.below(6)).map { _ in random.byte() }
    bytes.insert(contentsOf: new, at: random.below(bytes.count + 1))
  }

  private static func remove(_ random: inout SplitMix64, _ bytes: inout [UInt8]) {
    bytes.removeSubrange(range(&random, bytes, longest: 40))
  }

  /// Copies a piece of the file over another place of it.
  private static func splice(_ random: inout SplitMix64, _ bytes: inout [UInt8]) {
    let piece = Array(bytes[range(&random, bytes, longest: 200)])
    let target = range(&random, bytes, longest: 200)
    bytes.replaceSubrange(target, with: piece)
  }

  private static func truncate(_ random: inout SplitMix64, _ bytes: inout [UInt8]) {
    bytes.removeLast(random.below(bytes.count))
  }
}

func varint(_ value: UInt64) -> [UInt8] {
  var rest = value
  var bytes: [UInt8] = []
  while rest >= 0x80 {
    bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
    rest >>= 7
  }
  return bytes + [UInt8(rest)]
}

/// A length-delimited field.
func field(_ number: UInt64, _ contents: [UInt8]) -> [UInt8] {
  varint(number << 3 | 2) + varint(UInt64(contents.count)) + contents
}

/// Messages that are well formed on the wire, with the field numbers ONNX uses but without regard to its schema: wrong
/// wire types, repeated singular fields, packed and unpacked lists, groups, both members of a oneof.
enum RandomMessage {
  static func make(_ random: inout SplitMix64, depth: Int = 0) -> [UInt8] {
    var bytes: [UInt8] = []
    for _ in 0..<random.below(depth == 0 ? 12 : 6) { bytes += field(&random, depth) }
    return bytes
  }

  private static func field(_ random: inout SplitMix64, _ depth: Int) -> [UInt8] {
    // Graphs hold most of what ONNX has: field 7 of a model, 6 of an attribute.
    let number = UInt64(depth == 0 && random.below(2) == 0 ? 7 : 1 + random.below(26))
    switch random.below(depth < 8 ? 8 : 4) {
    case 0: return varint(number << 3) + varint(number64(&random))
    case 1: return varint(number << 3 | 5) + (0..<4).map { _ in random.byte() }
    case 2: return varint(number << 3 | 1) + (0..<8).map { _ in random.byte() }
    case 3: return delimited(number, (0..<random.below(12)).map { _ in random.byte() })
    case 4: return varint(number << 3 | 3) + make(&random, depth: depth + 1) + varint(number << 3 | 4)
    case 5: return delimited(number, (0..<random.below(6)).flatMap { _ in varint(number64(&random)) })
    default: return delimited(number, make(&random, depth: depth + 1))
    }
  }

  private static func delimited(_ number: UInt64, _ contents: [UInt8]) -> [UInt8] {
    varint(number << 3 | 2) + varint(UInt64(contents.count)) + contents
  }

  /// Small numbers, negative ones, and anything.
  private static func number64(_ random: inout SplitMix64) -> UInt64 {
    switch random.below(4) {
    case 0: random.next()
    case 1: UInt64(bitPattern: -Int64(random.below(100)))
    default: UInt64(random.below(30))
    }
  }
}
