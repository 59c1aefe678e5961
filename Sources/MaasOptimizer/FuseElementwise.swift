import MaasCore
import MaasGraph
import MaasOps

/// Element-wise functions of which each alone reads the one before become one pass over memory, as long as the shape
/// stays whatever the symbols are: where two of them meet, the result is named after one.
let fuseElementwise = Rule(name: "FuseElementwise", effect: .exact) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.fuseIntoProducers(inputs: [0, 1]) { (node, input, producer, graph) throws(MaasError) in
    guard let made = producer.outputs[0], let output = node.outputs[at: 0] ?? nil,
      let shape = graph[made].shape, shape == graph[output].shape, graph[output].dtype == .float,
      shape.count != .known(1), graph.surelyBroadcasts(node.inputs[at: 1 - input] ?? nil, into: shape)
    else { return nil }
    return ElementChain.joining(producer, node, input: input)
  }
}

extension Graph {
  /// Whether a value, if there is one, can be repeated to the shape without making it larger.
  fileprivate func surelyBroadcasts(_ id: ValueID?, into shape: Shape) -> Bool {
    guard let id else { return true }
    guard let own = self[id].shape, own.rank <= shape.rank else { return false }
    return zip(own.dims.reversed(), shape.dims.reversed()).allSatisfy { own, whole in
      own == whole || own == .known(1) || (whole.value ?? 1) != 1
    }
  }
}
