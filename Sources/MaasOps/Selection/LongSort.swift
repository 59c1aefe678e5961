import MaasCore
import MaasGraph

/// The numbers 0..<keys.count, or those of `order`, in the order of their keys; equal keys leave them as they were. A
/// run that is to end ends it.
func sortedIndices(by keys: [UInt64], _ call: HostCall, from order: [Int]? = nil) throws(MaasError) -> [Int] {
  let memory = try TensorStorage.allocate(2 * keys.count * MemoryLayout<Candidate>.stride)
  let items = memory.base.assumingMemoryBound(to: Candidate.self)
  for i in keys.indices {
    let index = order?[i] ?? i
    items[i] = Candidate(key: keys[index], index: index)
  }
  guard let sorted = radixSorted(items, items + keys.count, keys.count, isStopped: { call.isStopped }) else {
    try call.checkInterruption()
    throw MaasError.cancelledRun
  }
  return keys.indices.map { sorted[$0].index }
}

/// The candidates by ascending keys, equal ones as they were; in their own memory or in `other`. Byte by byte, without
/// bytes that are the same in all keys. Nil: the run ended before.
func radixSorted(
  _ items: UnsafeMutablePointer<Candidate>, _ other: UnsafeMutablePointer<Candidate>, _ count: Int,
  isStopped: () -> Bool
) -> UnsafeMutablePointer<Candidate>? {
  var (from, to) = (items, other)
  var differences: UInt64 = 0
  for i in 0..<count { differences |= from[i].key ^ from[0].key }
  for shift in stride(from: UInt64(0), to: 64, by: 8) where differences >> shift & 0xff != 0 {
    guard distribute(from, to, count, shift, isStopped) else { return nil }
    swap(&from, &to)
  }
  return from
}

private func distribute(
  _ from: UnsafeMutablePointer<Candidate>, _ to: UnsafeMutablePointer<Candidate>, _ count: Int,
  _ shift: UInt64, _ isStopped: () -> Bool
) -> Bool {
  withUnsafeTemporaryAllocation(of: Int.self, capacity: 256) { places in
    places.initialize(repeating: 0)
    for i in 0..<count { places[Int(from[i].key >> shift & 0xff)] += 1 }
    var total = 0
    for d in 0..<256 { (places[d], total) = (total, total + places[d]) }
    for first in stride(from: 0, to: count, by: pollInterval) {
      if count > pollInterval, isStopped() { return false }
      for i in first..<min(first + pollInterval, count) {
        let digit = Int(from[i].key >> shift & 0xff)
        to[places[digit]] = from[i]
        places[digit] += 1
      }
    }
    return true
  }
}

/// The numbers 0..<count in an order that tells all of them apart. A run that is to end ends the sorting.
func sortedIndices(
  _ count: Int, _ call: HostCall, by precedes: (Int, Int) -> Bool
) throws(MaasError) -> [Int] {
  var (from, to): ([Int], [Int]) = ([], [])
  from.reserveCapacity(count)
  for first in stride(from: 0, to: count, by: pollInterval) {
    try call.checkInterruption()
    from += (first..<min(first + pollInterval, count)).sorted(by: precedes)
  }
  var width = pollInterval
  while width < count {
    to.removeAll(keepingCapacity: true)
    to.reserveCapacity(count)
    for first in stride(from: 0, to: count, by: 2 * width) {
      let (middle, end) = (min(first + width, count), min(first + 2 * width, count))
      try merge(from[first..<middle], from[middle..<end], &to, call, by: precedes)
    }
    swap(&from, &to)
    width *= 2
  }
  return from
}

private func merge(
  _ a: ArraySlice<Int>, _ b: ArraySlice<Int>, _ merged: inout [Int], _ call: HostCall,
  by precedes: (Int, Int) -> Bool
) throws(MaasError) {
  var (i, j) = (a.startIndex, b.startIndex)
  while i < a.endIndex, j < b.endIndex {
    if (i + j) % pollInterval == 0 { try call.checkInterruption() }
    if precedes(b[j], a[i]) {
      merged.append(b[j])
      j += 1
    } else {
      merged.append(a[i])
      i += 1
    }
  }
  merged += a[i...]
  merged += b[j...]
}
