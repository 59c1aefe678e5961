import MaasGraph
import MaasOps

extension Graph {
  /// Adds nodes that add up gradients over all processes, in buckets: each is on its way as soon as the last of its
  /// gradients is computed, while the backward pass goes on, and is waited for in front of the update. Buckets take
  /// slots from `first` on.
  mutating func addAllReduce(
    _ gradients: [ValueID], of parameters: [ValueID], _ collective: Collective, slots first: Int
  ) -> [ValueID] {
    let sizes = parameters.map { 4 * (self[$0].shape?.count.value ?? 0) }
    let buckets = buckets(gradients, sizes)
    var flat: [ValueID] = []
    for (slot, bucket) in zip(first..., buckets) {
      let start = AllReduceStart(collective, slot: slot)
      flat.append(add(start, bucket.map { gradients[$0] }, name: "bucket \(slot)")[0])
      moveLastNode(behind: bucket.map { gradients[$0] })
    }
    var sums = gradients
    for (slot, bucket) in zip(first..., buckets) {
      let finish = AllReduceFinish(collective, slot: slot)
      let inputs = [flat[slot - first]] + bucket.map { gradients[$0] }
      let results = add(finish, inputs, name: "bucket \(slot)/sum", outputs: bucket.count)
      for (i, result) in zip(bucket, results) { sums[i] = result }
    }
    return sums
  }

  /// Which gradients travel together, in the order in which the backward pass has them: large ones alone, where they
  /// lie; small ones joined.
  private func buckets(_ gradients: [ValueID], _ sizes: [Int]) -> [[Int]] {
    let places = madeAt(gradients)
    var (buckets, small, bytes): ([[Int]], [Int], Int) = ([], [], 0)
    for i in gradients.indices.sorted(by: { (places[$0], $0) < (places[$1], $1) }) {
      if sizes[i] >= Self.alone {
        buckets.append([i])
      } else {
        small.append(i)
        bytes += sizes[i]
      }
      if bytes >= Self.alone {
        buckets.append(small)
        (small, bytes) = ([], 0)
      }
    }
    return small.isEmpty ? buckets : buckets + [small]
  }
  private static var alone: Int { 128 << 10 }

  /// The index of the node that makes each value; -1 where none does.
  private func madeAt(_ values: [ValueID]) -> [Int] {
    var places: [ValueID: Int] = [:]
    for (i, node) in nodes.enumerated() {
      for case .some(let output) in node.outputs { places[output] = i }
    }
    return values.map { places[$0] ?? -1 }
  }

  /// Moves the last node to where all of these values are there.
  private mutating func moveLastNode(behind values: [ValueID]) {
    let node = nodes.removeLast()
    nodes.insert(node, at: (madeAt(values).max() ?? -1) + 1)
  }
}
