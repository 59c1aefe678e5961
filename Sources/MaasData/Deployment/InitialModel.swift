import MaasCore
import MaasGraph
import MaasONNX
import MaasTrainer

/// A trained model that is gone on with: one that was written here is taken apart again, all others are the network.
package struct InitialModel {
  package let path: String
  package let network: Graph
  package let info: ModelInfo
  /// From raw inputs to the network's; nil where the model has no such part.
  package let preprocessing: Graph?
  /// The numbers a model of that kind was trained to predict.
  package let scale: TargetScale?
  /// A number that other weights do not have, wherever their files are.
  package let checksum: UInt64

  /// Names of the values at which a deployed model is taken apart.
  static let (input, output) = ("network_input", "network_output")
  /// Under which the metadata have the rate of sounds.
  static let rateKey = "sample_rate"

  package init(_ path: String) throws(MaasError) {
    self.path = path
    do throws(MaasError) {
      let model = try ONNXModel(path: path)
      var graph = try model.graph(keepsForms: true)
      checksum = try Self.checksum(path, graph)
      try graph.inferValues()
      info = try model.info()
      if let first = graph.value(Self.input), let last = graph.value(Self.output) {
        (preprocessing, network) = (
          graph.cut(from: graph.inputs, to: first), graph.cut(from: [first], to: last)
        )
        scale = graph.scale
      } else {
        let output = try graph.trainedOutput(graph.learnedConstants())
        (preprocessing, network, scale) = (nil, graph.cut(from: graph.inputs, to: output), nil)
      }
      guard network.inputs.count == 1 else {
        throw MaasError(
          .unsupported, "only models of one input can be gone on with", expected: "1",
          found: "\(network.inputs.count) inputs")
      }
    } catch {
      throw error.inFile(path)
    }
  }

  /// Of the file, and of the constants, which may lie in files beside it.
  private static func checksum(_ path: String, _ graph: Graph) throws(MaasError) -> UInt64 {
    var checksum = Checksum()
    try checksum.add(fileAt: path)
    for case let constant? in graph.values.map({ $0.constant }) where constant.dtype != .string {
      checksum.add(UnsafeRawBufferPointer(start: constant.bytes, count: constant.byteCount))
    }
    return checksum.finished()
  }

  /// What is gone on with, for people.
  package var description: String { "that of \(path), output '\(network[network.outputs[0]].name)'" }

  /// Samples a second of the sounds that the model reads; nil where it reads none or does not say.
  package var rate: Int? { info.metadata.first { $0.key == Self.rateKey }.flatMap { Int($0.value) } }

  package var input: Value { network[network.inputs[0]] }

  /// What the network reads, behind the first dimension; nil where it does not say.
  package var dims: [Int]? {
    input.shape.flatMap { Shape(Array($0.dims.dropFirst())).concrete }
  }

  /// The network up to what the loss looks at, with `count` outputs: where it has others, with a new last layer.
  package func network(
    outputs count: Int, _ loss: LossFunction, _ layer: (Int) throws(MaasError) -> Graph
  ) throws(MaasError) -> Graph {
    let output = network.scores(network.outputs[0], loss) ?? network.outputs[0]
    let network = network.cut(from: network.inputs, to: output)
    if network[output].shape?.dims.last == .known(count) { return network }
    let last = network.nodes.last { ["Gemm", "MatMul"].contains(network.forms[$0.op]?.name ?? "") }
    guard let x = last?.inputs.first ?? nil, let shape = network[x].shape, shape.rank == 2,
      let width = shape.dims[1].value
    else {
      throw MaasError(
        .unsupported,
        "the network has another number of outputs, and no dense layer at its end that could be replaced",
        expected: "\(count)", found: network[output].shape?.text
      ).inFile(path)
    }
    var builder = ONNXBuilder("network")
    let input = network[network.inputs[0]]
    let first = builder.input(input.name, input.dtype ?? .float, input.shape ?? Shape([Dim]()))
    let features = builder.append(network.cut(from: network.inputs, to: x), [first])
    guard let made = builder.append(try layer(width), features).first else {
      throw MaasError(.internal, "a layer has no output")
    }
    builder.output(made, "output")
    return try builder.finished()
  }
}

extension Graph {
  fileprivate func value(_ name: String) -> ValueID? {
    values.firstIndex { $0.name == name && $0.constant == nil }.map { ValueID($0) }
  }

  /// What the nodes of a deployed model scale numbers by.
  fileprivate var scale: TargetScale? {
    func floats(_ name: String) -> [Float]? {
      values.first { $0.name == name }?.constant?.elements(as: Float.self)
    }
    guard let offsets = floats(TargetScale.offsetName), let scales = floats(TargetScale.scaleName) else {
      return nil
    }
    return TargetScale(offsets: offsets, scales: scales)
  }

  /// The nodes between some values and another one.
  fileprivate func cut(from inputs: [ValueID], to output: ValueID) -> Graph {
    let producers = producers()
    var (needed, kept): ([ValueID], Set<Int>) = ([output], [])
    while let value = needed.popLast() {
      guard !inputs.contains(value), let node = producers[value.index], kept.insert(node).inserted else {
        continue
      }
      needed += nodes[node].inputs.compactMap { $0 }
    }
    var part = self
    part.nodes = nodes.indices.filter { kept.contains($0) }.map { nodes[$0] }
    (part.inputs, part.outputs) = (inputs, [output])
    return part
  }
}
