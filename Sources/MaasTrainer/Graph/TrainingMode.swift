import MaasCore
import MaasGraph
import MaasONNX
import MaasOps

extension Graph {
  /// Lets nodes that are others in training than in inference be what they are there. `statistics` gets the new
  /// running statistics, by the old ones.
  mutating func setMode(
    isTraining: Bool, seed: ValueID, step: ValueID, statistics: inout [ValueID: ValueID]
  ) throws(MaasError) {
    for i in nodes.indices {
      let node = nodes[i]
      switch forms[node.op]?.name {
      case "Dropout":
        nodes[i] = Node(node.name, Identity(), [node.inputs[0]], [node.outputs[0]])
      case "BatchNormalization" where isTraining:
        nodes[i] = try normalization(node, &statistics)
      default: continue
      }
    }
  }

  /// BatchNormalization over the batch, which moves the running statistics.
  private mutating func normalization(
    _ node: Node, _ statistics: inout [ValueID: ValueID]
  ) throws(MaasError) -> Node {
    let form = forms[node.op]
    var attributes = (form?.attributes ?? []).filter { $0.name == "epsilon" || $0.name == "momentum" }
    attributes.append(Attribute("training_mode", .int(1)))
    let op = try made("BatchNormalization", opset: networkOpset, attributes, 5, 3)
    var outputs = [node.outputs[0]]
    for old in node.inputs.dropFirst(3) {
      guard let old else { continue }
      let new = add(Value("\(self[old].name)/new"))
      outputs.append(new)
      statistics[old] = new
    }
    return Node(node.name, op, node.inputs, outputs)
  }
}
