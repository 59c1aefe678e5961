import MaasCore
import MaasGraph
import MaasONNX

/// A graph whose nodes are put down anew, in their order, old ones and new ones.
struct GraphRewriter {
  private(set) var graph: Graph
  /// The version of ai.onnx that new nodes follow.
  let opset: Int

  init(_ graph: Graph, opset: Int) {
    self.graph = graph
    self.graph.nodes = []
    self.opset = opset
  }

  mutating func keep(_ node: Node) { graph.nodes.append(node) }

  /// Keeps a node as a file can hold it: a product with its bias behind it.
  mutating func keepPlain(_ node: Node) throws(MaasError) {
    guard graph.forms[node.op]?.name == "MatMul", node.inputs.count == 3 else { return keep(node) }
    let product = try add("MatMul", Array(node.inputs.prefix(2)), node.name)
    try add("Add", [product, node.inputs[2]], "\(node.name)/bias", output: node.outputs[0])
  }

  mutating func constant(_ name: String, _ tensor: Tensor) -> ValueID { graph.addConstant(name, tensor) }

  mutating func setOutput(_ id: ValueID) { graph.outputs = [id] }

  /// Makes a new value the only input.
  mutating func input(_ value: Value) -> ValueID {
    let id = graph.add(value)
    graph.inputs = [id]
    return id
  }

  /// Adds a node that a file can hold; its output is `output`, or a new value of the node's name.
  @discardableResult
  mutating func add(
    _ type: String, _ inputs: [ValueID?], _ name: String, domain: String = "", _ attributes: [Attribute] = [],
    output: ValueID? = nil
  ) throws(MaasError) -> ValueID {
    let made = output ?? graph.add(Value(name))
    try add(type, inputs, name, domain: domain, attributes, outputs: [made])
    return made
  }

  mutating func add(
    _ type: String, _ inputs: [ValueID?], _ name: String, domain: String = "", _ attributes: [Attribute] = [],
    outputs: [ValueID]
  ) throws(MaasError) {
    let version = domain.isEmpty ? opset : 1
    try graph.add(
      type, domain: domain, opset: version, inputs, name, attributes, outputs: outputs.map { $0 })
  }

  /// A new value that no node makes yet.
  mutating func value(_ name: String) -> ValueID { graph.add(Value(name)) }

  /// The graph with the types of its new values.
  func finished() throws(MaasError) -> Graph {
    var graph = graph
    try graph.inferValues()
    return graph
  }
}
