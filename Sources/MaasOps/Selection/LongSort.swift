import MaasCore
import MaasGraph

/// The numbers 0..<count in an order that tells all of them apart. A run that is to end ends the sorting.
func sorted(
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
