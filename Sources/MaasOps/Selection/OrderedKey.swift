/// A number whose order as an unsigned integer is that of `x`: equal numbers have equal keys, NaN has the largest.
@inline(__always)
func orderedKey<T: Number>(_ x: T) -> UInt64 {
  let sign = UInt64(1) << 63
  if T.isInteger {
    return T.lowest < .zero ? UInt64(bitPattern: x.integer(Int64.self)) ^ sign : x.integer(UInt64.self)
  }
  if x.isNaN { return .max }
  if x == .zero { return sign }
  if MemoryLayout<T>.size <= 4 {
    let bits = x.float.bitPattern
    return UInt64(bits >> 31 == 0 ? bits | 1 << 31 : ~bits) << 32
  }
  let bits = x.double.bitPattern
  return bits & sign == 0 ? bits | sign : ~bits
}

/// After how many elements loops of unknown length look whether the run is to end.
let pollInterval = 1 << 16

/// An element on its way to be one of the best: the larger key wins, then the smaller index.
struct Candidate {
  let key: UInt64
  let index: Int

  func precedes(_ other: Candidate) -> Bool { key != other.key ? key > other.key : index < other.index }
}

/// Candidates in given memory, to be taken from it best first: a heap.
struct BestFirst {
  private let items: UnsafeMutablePointer<Candidate>
  private var count = 0

  init(_ items: UnsafeMutablePointer<Candidate>) { self.items = items }

  /// Adds one, before `order`.
  mutating func append(_ candidate: Candidate) {
    items[count] = candidate
    count += 1
  }

  func order() {
    for i in stride(from: count / 2 - 1, through: 0, by: -1) { sink(items[i], from: i) }
  }

  mutating func popFirst() -> Candidate? {
    guard count > 0 else { return nil }
    count -= 1
    let best = items[0]
    if count > 0 { sink(items[count], from: 0) }
    return best
  }

  /// Puts a candidate where it belongs at `start` or below it.
  private func sink(_ candidate: Candidate, from start: Int) {
    var i = start
    while 2 * i + 1 < count {
      var child = 2 * i + 1
      if child + 1 < count, items[child + 1].precedes(items[child]) { child += 1 }
      guard items[child].precedes(candidate) else { break }
      items[i] = items[child]
      i = child
    }
    items[i] = candidate
  }
}

/// The best `limit` candidates of those offered. Few are always in order; of more, those that came since the last
/// time are put in order with them when there is no room left.
struct BestCandidates {
  /// In order, best first, after `sort`.
  private(set) var items: UnsafeMutablePointer<Candidate>
  private var other: UnsafeMutablePointer<Candidate>
  private let limit: Int
  private let room: Int
  private var count = 0
  /// The one that the next must beat, once there are enough.
  private(set) var worst: Int?

  /// How many are kept in order one by one.
  private static let few = 32

  /// The candidates that the memory of one has room for.
  static func memory(_ limit: Int) -> Int? {
    limit <= few ? few : limit.multipliedReportingOverflow(by: 4).partialValue
  }

  init(_ memory: UnsafeMutableRawPointer?, _ limit: Int) {
    items = memory.unsafelyUnwrapped.assumingMemoryBound(to: Candidate.self)
    self.limit = limit
    room = limit <= Self.few ? limit : 2 * limit
    other = items + room
  }

  /// False: the run ended before.
  @inline(never)
  mutating func offer(_ candidate: Candidate, _ chunk: Chunk) -> Bool {
    if room == limit {
      insert(candidate)
      return true
    }
    items[count] = candidate
    count += 1
    return count < room || settle(chunk)
  }

  private mutating func insert(_ candidate: Candidate) {
    var i = count < limit ? count : limit - 1
    if count == limit, !candidate.precedes(items[i]) { return }
    count = i + 1
    while i > 0, candidate.precedes(items[i - 1]) {
      items[i] = items[i - 1]
      i -= 1
    }
    items[i] = candidate
    if count == limit { worst = items[limit - 1].index }
  }

  /// Keeps the best, in order.
  private mutating func settle(_ chunk: Chunk) -> Bool {
    for i in 0..<count { items[i] = Candidate(key: ~items[i].key, index: items[i].index) }
    guard let sorted = radixSorted(items, other, count, isStopped: { chunk.isStopped }) else { return false }
    if sorted != items { swap(&items, &other) }
    count = min(count, limit)
    for i in 0..<count { items[i] = Candidate(key: ~items[i].key, index: items[i].index) }
    if count == limit { worst = items[limit - 1].index }
    return true
  }

  /// Brings them in order, best first. False: the run ended before.
  mutating func sort(_ chunk: Chunk) -> Bool { room == limit || settle(chunk) }
}
