public import MaasCore
import MaasGraph
import MaasONNX
import MaasOps

extension Trainer {
  /// Writes the model as it is for inference, an ONNX file, whole or not at all. With `probabilities` a softmax or
  /// sigmoid follows where the loss takes scores and the model gives them.
  public func export(
    to path: String, probabilities: Bool = false, metadata: [(key: String, value: String)] = []
  ) throws(MaasError) {
    do {
      let graph = try inferenceGraph(probabilities: probabilities)
      try writeModel(graph, ModelInfo(info, adding: metadata), to: path, externalData: false)
    } catch {
      throw error.inFile(path)
    }
  }

  /// What the model says about itself.
  package var modelInfo: ModelInfo { info }

  /// The graph of inference with copies of the parameters of now, and forms, so that it can be written.
  package func inferenceGraph(probabilities: Bool = false) throws(MaasError) -> Graph {
    var graph = model.graph
    for (parameter, now) in zip(model.parameters + model.statistics, memory.evaluated) {
      graph[parameter.id].constant = try parameter.plainCopy(of: now)
    }
    for adapter in model.adapters { try graph.merge(adapter) }
    graph.removeDropout()
    if probabilities, !model.hasEnding, let ending = options.loss.ending {
      let probabilities = try graph.add(ending, model.output, name: "probabilities")
      for i in graph.outputs.indices where graph.outputs[i] == model.output {
        graph.outputs[i] = probabilities
      }
    }
    try graph.inferValues()
    return graph
  }
}

extension Graph {
  /// Adds the adapter's product to its weight.
  fileprivate mutating func merge(_ adapter: Adapter) throws(MaasError) {
    guard let weight = try self[adapter.weight].constant?.copied(), let a = self[adapter.a.id].constant,
      let b = self[adapter.b.id].constant
    else { return }
    let (rows, rank, columns) = (a.shape[0], a.shape[1], b.shape[1])
    let (left, right) = (a.elements(as: Float.self), b.elements(as: Float.self))
    var sums = weight.elements(as: Float.self)
    for i in 0..<rows {
      for j in 0..<columns {
        var product = 0.0
        for k in 0..<rank { product += Double(left[i * rank + k]) * Double(right[k * columns + j]) }
        sums[i * columns + j] += adapter.scale * Float(product)
      }
    }
    self[adapter.weight].constant = try Tensor(.float, weight.shape, sums)
  }

  /// In inference it hands on what it reads.
  fileprivate mutating func removeDropout() {
    for node in nodes where forms[node.op]?.name == "Dropout" {
      guard let input = node.inputs[0], let output = node.outputs[0] else { continue }
      if outputs.contains(output) { continue }
      replaceUses([output: input])
    }
    let kept = Set(outputs)
    nodes.removeAll { node in
      forms[node.op]?.name == "Dropout" && !(node.outputs[0].map(kept.contains) ?? false)
    }
  }
}
