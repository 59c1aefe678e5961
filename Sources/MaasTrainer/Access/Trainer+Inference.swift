import CMaasSystem
import MaasCore
import MaasGraph
import MaasONNX
import MaasOptimizer
import MaasRuntime

extension Trainer {
  /// What the model answers with the parameters as they are.
  public func predict(_ features: [Tensor]) throws(MaasError) -> Tensor {
    let executable = try inference()
    let given = features + memory.parameters + memory.statistics
    let results = try executable.run(given, [.allocated(keep: false)])
    guard let result = results.first ?? nil else {
      throw MaasError(.internal, "the model gave no output")
    }
    return result
  }

  /// Writes the model with the parameters as they are: whole, or not at all.
  public func write(to path: String) throws(MaasError) {
    try writeModel(model.graph, info, to: path, externalData: false)
  }

  /// The bytes of that file.
  public func exported() throws(MaasError) -> [UInt8] {
    let storage = try serialized(try MaasONNX.exported(model.graph, info))
    return Array(UnsafeRawBufferPointer(start: storage.base, count: storage.byteCount))
  }

  private func inference() throws(MaasError) -> Executable {
    if let forward { return forward }
    var graph = model.graph
    for parameter in model.parameters + model.statistics {
      graph[parameter.id].constant = nil
      graph.inputs.append(parameter.id)
    }
    graph.outputs = [graph.outputs[0]]
    try optimize(&graph, .all)
    let made = Executable(graph, weights: WeightCache(graph), options: execution)
    forward = made
    return made
  }
}
