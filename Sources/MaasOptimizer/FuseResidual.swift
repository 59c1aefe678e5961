import MaasCore
import MaasGraph
import MaasOps

/// Adding a tensor of the same shape to a product or convolution becomes part of it: the sum is made while the
/// results are in registers.
let fuseResidual = Rule(name: "FuseResidual", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.fuseIntoProducers(inputs: [0, 1]) { (node, input, producer, graph) throws(MaasError) in
    guard node.op.name == "Add", node.op.isElementary, producer.op.takesResidual,
      producer.inputs.count < 4, let other = node.inputs[at: 1 - input] ?? nil, other != node.inputs[input],
      let result = producer.outputs[0], let shape = graph[result].shape, graph[other].shape == shape,
      graph[other].dtype == .float
    else { return nil }
    let inputs = producer.inputs + (producer.inputs.count < 3 ? [nil] : [])
    return Node(producer.name, producer.op, inputs + [other], node.outputs)
  }
}

extension Operator {
  fileprivate var takesResidual: Bool {
    if let conv = self as? Conv { return conv.isLinear }
    return (self as? MatMul)?.activation.isNone ?? false
  }
}
