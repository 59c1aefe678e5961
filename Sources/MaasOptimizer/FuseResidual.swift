import MaasCore
import MaasGraph
import MaasOps

/// Adding a tensor of the same shape to a product becomes part of it: the sum is made while the product is in registers.
let fuseResidual = Rule(name: "FuseResidual", effect: .exact) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.fuseIntoProducers(inputs: 0..<2) { (node, input, producer, graph) throws(MaasError) in
    guard node.op.name == "Add", node.op.isElementary, let op = producer.op as? MatMul, op.activation.isNone,
      producer.inputs.count < 4, let other = node.inputs[at: 1 - input] ?? nil, other != node.inputs[input],
      let product = producer.outputs[0], let shape = graph[product].shape, graph[other].shape == shape,
      graph[other].dtype == .float
    else { return nil }
    var inputs = producer.inputs
    if inputs.count < 3 { inputs.append(nil) }
    return Node(producer.name, op, inputs + [other], node.outputs)
  }
}
