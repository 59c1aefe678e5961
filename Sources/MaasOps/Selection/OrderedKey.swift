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

/// The best `limit` candidates of those offered: a heap in given memory with the worst at its root.
struct BestCandidates {
  let heap: UnsafeMutablePointer<Candidate>
  private let limit: Int
  private var count = 0

  /// `memory` has room for `limit` candidates.
  init(_ memory: UnsafeMutableRawPointer?, _ limit: Int) {
    heap = memory.unsafelyUnwrapped.assumingMemoryBound(to: Candidate.self)
    self.limit = limit
  }

  /// The one that the next must beat, once there are enough.
  var worst: Int? { count == limit ? heap[0].index : nil }

  @inline(never)
  mutating func offer(_ candidate: Candidate) {
    if count < limit {
      heap[count] = candidate
      count += 1
      if count == limit { for i in stride(from: limit / 2 - 1, through: 0, by: -1) { sink(i, limit) } }
    } else if candidate.precedes(heap[0]) {
      heap[0] = candidate
      sink(0, limit)
    }
  }

  /// Brings them in order, best first. All `limit` places are taken. False: the run ended before.
  func sort(_ chunk: Chunk) -> Bool {
    var size = limit
    while size > 1 {
      size -= 1
      if size % pollInterval == 0, chunk.isStopped { return false }
      (heap[0], heap[size]) = (heap[size], heap[0])
      sink(0, size)
    }
    return true
  }

  /// Restores the heap of `size` candidates where the one at `start` may be too good for its place.
  private func sink(_ start: Int, _ size: Int) {
    var i = start
    while 2 * i + 1 < size {
      var child = 2 * i + 1
      if child + 1 < size, heap[child].precedes(heap[child + 1]) { child += 1 }
      guard heap[i].precedes(heap[child]) else { return }
      (heap[i], heap[child]) = (heap[child], heap[i])
      i = child
    }
  }
}
