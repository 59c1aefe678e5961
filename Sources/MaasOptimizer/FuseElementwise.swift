import MaasCore
import MaasGraph
import MaasOps

/// Element-wise functions of which each alone reads the one before become one pass over memory, as long as the shape
/// stays.
let fuseElementwise = Rule(name: "FuseElementwise", effect: .exact) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.fuseIntoProducers(inputs: 0..<2) { (node, input, producer, graph) throws(MaasError) in
    guard let made = producer.outputs[0], let output = node.outputs[at: 0] ?? nil,
      let shape = graph[made].shape, shape == graph[output].shape, graph[output].dtype == .float,
      shape.count != .known(1)
    else { return nil }
    return ElementChain.joining(producer, node, input: input)
  }
}
