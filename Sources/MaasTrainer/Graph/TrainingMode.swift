import MaasCore
import MaasGraph
import MaasONNX
import MaasOps

extension Graph {
  /// Lets nodes that are others in training than in inference be what they are there. Normalizations that are not
  /// trained stay. Returns how the running statistics move.
  mutating func setTrainingMode(
    trained: Set<ValueID>, seed: ValueID, step: ValueID
  ) throws(MaasError) -> [MovedStatistics] {
    var moved: [MovedStatistics] = []
    var streams = RandomUse.dropout
    for i in nodes.indices {
      let node = nodes[i]
      switch forms[node.op]?.name {
      case "Dropout":
        nodes[i] = try dropout(node, stream: streams, seed, step)
        streams += 1
      case "BatchNormalization" where node.inputs.dropFirst().contains { $0.map(trained.contains) ?? false }:
        nodes[i] = try normalization(node, &moved)
      default: continue
      }
    }
    return moved
  }

  /// In inference dropout does nothing.
  mutating func dropDropout() {
    for (i, node) in nodes.enumerated() where forms[node.op]?.name == "Dropout" {
      nodes[i] = Node(node.name, Identity(), [node.inputs[0]], [node.outputs[0]])
    }
  }

  private func dropout(
    _ node: Node, stream: UInt32, _ seed: ValueID, _ step: ValueID
  ) throws(MaasError) -> Node {
    // Before version 12 the ratio was an attribute.
    var ratio: Float = 0.5
    if let id = node.inputs[at: 1] ?? nil, let tensor = self[id].constant {
      ratio = try cast(tensor, to: .float).elements(as: Float.self).first ?? ratio
    } else if case .float(let value)? = forms[node.op]?.attributes.first(where: { $0.name == "ratio" })?.value
    {
      ratio = value
    }
    let op = try TrainingDropout(ratio: Double(ratio), stream: stream)
    return Node(node.name, op, [node.inputs[0], seed, step], [node.outputs[0]])
  }

  /// BatchNormalization over the batch, which also gives the batch's statistics: those that have no memory.
  private mutating func normalization(
    _ node: Node, _ moved: inout [MovedStatistics]
  ) throws(MaasError) -> Node {
    let given = forms[node.op]?.attributes ?? []
    var own = MovedStatistics()
    if case .float(let momentum)? = given.first(where: { $0.name == "momentum" })?.value {
      own.momentum = Double(momentum)
    }
    let attributes =
      given.filter { $0.name == "epsilon" } + [
        Attribute("momentum", .float(0)), Attribute("training_mode", .int(1)),
      ]
    let op = try made("BatchNormalization", opset: networkOpset, attributes, 5, 3)
    var outputs = [node.outputs[0]]
    for case .some(let old) in node.inputs.dropFirst(3) {
      let batch = add(Value(self[old].name / "batch"))
      outputs.append(batch)
      own.pairs.append((old, batch))
    }
    moved.append(own)
    return Node(node.name, op, node.inputs, outputs)
  }
}

/// Running statistics, and those of a batch, which they move towards.
struct MovedStatistics {
  var momentum = 0.9
  var pairs: [(old: ValueID, batch: ValueID)] = []
}
