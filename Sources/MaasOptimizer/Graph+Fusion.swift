import MaasCore
import MaasGraph

extension Graph {
  /// Visits every node with the node that makes its input 0 (or another of the `inputs`), where that is a float
  /// value that nobody else reads. Where `fuse` returns one node for both, it takes the place of the reader, and the
  /// producer goes. Returns how often.
  mutating func fuseIntoProducers(
    inputs: [Int] = [0],
    _ fuse: (_ node: Node, _ input: Int, _ producer: Node, _ graph: inout Graph) throws(MaasError) -> Node?
  ) throws(MaasError) -> Int {
    let uses = useCounts()
    var producers = self.producers()
    var gone: Set<Int> = []
    for i in nodes.indices {
      for j in inputs {
        guard let input = nodes[i].inputs[at: j] ?? nil, uses[input.index] == 1,
          self[input].dtype == .float, let p = producers[input.index],
          nodes[p].outputs.count == 1,
          let fused = try fuse(nodes[i], j, nodes[p], &self)
        else { continue }
        nodes[i] = fused
        gone.insert(p)
        producers[input.index] = nil
        break
      }
    }
    removeNodes(gone)
    return gone.count
  }

  private mutating func removeNodes(_ gone: Set<Int>) {
    guard !gone.isEmpty else { return }
    nodes = nodes.indices.filter { !gone.contains($0) }.map { nodes[$0] }
  }

  /// A float constant of exactly this many elements, whatever its shape, that a node reads.
  func floatConstant(_ id: ValueID?, count: Int? = nil) -> Tensor? {
    guard let id, let tensor = self[id].constant, tensor.dtype == .float else { return nil }
    return count == nil || tensor.count == count ? tensor : nil
  }
}
