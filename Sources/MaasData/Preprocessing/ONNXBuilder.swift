import MaasCore
import MaasGraph
import MaasONNX

/// A graph whose nodes stand as ONNX has them, put down one after the other.
package struct ONNXBuilder {
  package private(set) var graph: Graph
  /// The version of ai.onnx that the nodes follow: the last one that libonnx's checker knows.
  package static let opset = 17
  private static let versions = ["": opset, "ai.onnx.ml": 3, "com.microsoft": 1]

  package init(_ name: String) { graph = Graph(name) }

  package mutating func input(_ input: RawInput) -> ValueID {
    graph.addInput(input.name, input.dtype, input.shape)
  }

  package mutating func input(_ name: String, _ dtype: DType, _ shape: Shape) -> ValueID {
    graph.addInput(name, dtype, shape)
  }

  package mutating func name(_ id: ValueID, _ name: String) { graph[id].name = name }

  package mutating func output(_ id: ValueID, _ name: String) {
    self.name(id, name)
    graph.outputs.append(id)
  }

  package mutating func floats(_ name: String, _ values: [Float], _ shape: [Int]? = nil) throws(MaasError)
    -> ValueID
  {
    graph.addConstant(name, try Tensor(.float, shape ?? [values.count], values))
  }

  package mutating func integers(_ name: String, _ values: [Int]) throws(MaasError) -> ValueID {
    graph.addConstant(name, try Tensor(.int64, [values.count], values.map { Int64($0) }))
  }

  package mutating func scalar<T: BitwiseCopyable>(_ name: String, _ dtype: DType, _ value: T)
    throws(MaasError) -> ValueID
  {
    graph.addConstant(name, try Tensor(dtype, [], [value]))
  }

  package mutating func add(
    _ type: String, _ inputs: [ValueID?], _ name: String, domain: String = "", _ attributes: [Attribute] = []
  ) throws(MaasError) -> ValueID {
    let output = graph.add(Value(name))
    try graph.add(
      type, domain: domain, opset: Self.versions[domain] ?? 1, inputs, name, attributes, outputs: [output])
    return output
  }

  /// Puts another graph behind: its inputs are `inputs`; gives what its outputs are here.
  package mutating func append(_ other: Graph, _ inputs: [ValueID]) -> [ValueID] {
    let given = Dictionary(uniqueKeysWithValues: zip(other.inputs, inputs))
    var places: [ValueID] = []
    for (i, value) in other.values.enumerated() { places.append(given[ValueID(i)] ?? graph.add(value)) }
    for node in other.nodes {
      var copy = Node(
        node.name, node.op, node.inputs.map { $0.map { places[$0.index] } },
        node.outputs.map { $0.map { places[$0.index] } })
      copy.origin = node.origin
      graph.nodes.append(copy)
      graph.forms[node.op] = other.forms[node.op]
    }
    return other.outputs.map { places[$0.index] }
  }

  /// The graph with types and shapes of all values.
  package func finished() throws(MaasError) -> Graph {
    var graph = graph
    try graph.inferValues()
    return graph
  }
}
