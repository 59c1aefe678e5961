import MaasCore
import MaasGraph

/// Turns one GraphProto, the model's own or a body inside it, into a Graph.
final class GraphImporter {
  private let context: ImportContext
  private let parent: GraphImporter?
  private let proto: GraphProto
  private var graph: Graph
  private var ids: [String: ValueID] = [:]
  private var declared: [String: Declaration] = [:]
  /// Values of the parent that this body reads, and what they are called in here.
  private var captures: [(outer: ValueID, inner: ValueID)] = []

  init(_ proto: GraphProto, _ context: ImportContext, parent: GraphImporter? = nil) {
    self.proto = proto
    self.context = context
    self.parent = parent
    graph = Graph(context.source.text(proto.name))
  }

  private var source: ModelSource { context.source }

  func importGraph() throws(MaasError) -> Graph {
    try declareValues()
    try importInitializers()
    try importInputs()
    for i in try NodeOrder(proto, source, defined: ids.keys).sorted() {
      try importNode(proto.nodes[i], index: i)
    }
    for output in proto.outputs { graph.outputs.append(try resolve(source.text(output.name), "an output")) }
    if graph.outputs.isEmpty { throw MaasError(.invalidModel, "the graph has no outputs") }
    graph.inputs += captures.map { $0.inner }
    graph.captureCount = captures.count
    return graph
  }

  /// The values of the parent that this body reads, in the order of its last inputs.
  fileprivate var capturedValues: [ValueID] { captures.map { $0.outer } }

  private func declareValues() throws(MaasError) {
    for value in proto.valueInfos + proto.outputs {
      let declaration = try value.declaration(source, &context.symbols)
      declared[declaration.name] = declaration
    }
  }

  private func define(_ value: Value) throws(MaasError) -> ValueID {
    guard ids[value.name] == nil else { throw sameName(value.name) }
    let id = graph.add(value)
    ids[value.name] = id
    return id
  }

  private func importInitializers() throws(MaasError) {
    if let sparse = proto.sparseInitializers.first {
      throw MaasError(
        .unsupported, "sparse initializers are not supported",
        tensor: source.text(sparse.values.value?.name))
    }
    for initializer in proto.initializers {
      let tensor = try context.decoder.tensor(initializer)
      _ = try define(constant(source.text(initializer.name), tensor))
    }
  }

  private func constant(_ name: String, _ tensor: Tensor) -> Value {
    Value(name, tensor.dtype, Shape(tensor.shape), constant: tensor)
  }

  private func importInputs() throws(MaasError) {
    for input in proto.trueInputs(source) {
      let declaration = try input.declaration(source, &context.symbols)
      if parent == nil, declaration.dtype == nil {
        throw MaasError(.invalidModel, "the input has no element type", tensor: declaration.name)
      }
      graph.inputs.append(try define(Value(declaration.name, declaration.dtype, declaration.shape)))
    }
  }

  private func importNode(_ node: NodeProto, index: Int) throws(MaasError) {
    let name = node.label(source, index: index)
    let type = source.text(node.opType)
    let domain = canonical(domain: source.text(node.domain))
    try inNode(name, type) { () throws(MaasError) in
      if type == "Constant", domain.isEmpty {
        try importConstant(node)
      } else {
        try importOperator(node, name, type, domain)
      }
    }
  }

  private func importConstant(_ node: NodeProto) throws(MaasError) {
    guard let output = node.outputs.first else { throw MaasError(.invalidModel, "the node has no output") }
    _ = try define(constant(source.text(output), try node.constant(context.decoder)))
  }

  private func importOperator(_ node: NodeProto, _ name: String, _ type: String, _ domain: String)
    throws(MaasError)
  {
    let opset = try context.opset(of: domain)
    try context.refuseFunction(type, domain)
    let row = try operatorRegistration(type, domain: domain, opset: opset)
    var inputs = try inputs(of: node)
    let attributes = try attributes(of: node, &inputs)
    var reader = AttributeReader(
      attributes, opset: opset, inputCount: node.inputs.count, outputCount: node.outputs.count)
    let op = try row.make(&reader)
    try reader.finish()
    graph.nodes.append(Node(name, op, inputs, try outputs(of: node)))
  }

  private func inputs(of node: NodeProto) throws(MaasError) -> [ValueID?] {
    var inputs: [ValueID?] = []
    for (i, input) in node.inputs.enumerated() {
      inputs.append(input.count == 0 ? nil : try resolve(source.text(input), "input \(i)"))
    }
    return inputs
  }

  private func outputs(of node: NodeProto) throws(MaasError) -> [ValueID?] {
    var outputs: [ValueID?] = []
    for output in node.outputs {
      let name = source.text(output)
      let declaration = declared[name]
      outputs.append(name.isEmpty ? nil : try define(Value(name, declaration?.dtype, declaration?.shape)))
    }
    return outputs
  }

  /// Reads a node's attributes; what its bodies capture is appended to its inputs, body by body.
  private func attributes(of node: NodeProto, _ inputs: inout [ValueID?]) throws(MaasError) -> [Attribute] {
    var captured: [ValueID?] = []
    let importer = AttributeImporter(decoder: context.decoder) { (body) throws(MaasError) in
      let importer = GraphImporter(body, self.context, parent: self)
      let graph = try importer.importGraph()
      captured += importer.capturedValues.map { $0 }
      return graph
    }
    var attributes: [Attribute] = []
    for attribute in inBodyOrder(node.attributes) { attributes.append(try importer.attribute(attribute)) }
    inputs += captured
    return attributes
  }

  /// The captures of If come in a fixed order, whatever the order in the file.
  private func inBodyOrder(_ attributes: [AttributeProto]) -> [AttributeProto] {
    let bodies = attributes.filter { $0.graph.value != nil }
    guard bodies.count > 1 else { return attributes }
    let first = bodies.filter { source.text($0.name) == "then_branch" }
    return first + attributes.filter { source.text($0.name) != "then_branch" }
  }

  /// The value of that name, here or in the graphs around this one. Constants from outside become constants here,
  /// other values captures.
  private func find(_ name: String) -> ValueID? {
    if let id = ids[name] { return id }
    guard let parent, let outer = parent.find(name) else { return nil }
    let value = parent.graph[outer]
    let inner = graph.add(value)
    ids[name] = inner
    if value.constant == nil { captures.append((outer, inner)) }
    return inner
  }

  private func resolve(_ name: String, _ reader: String) throws(MaasError) -> ValueID {
    if let id = find(name) { return id }
    throw MaasError(
      .invalidModel, "\(reader) reads a value that nothing makes", tensor: name,
      hint: didYouMean(name, Array(ids.keys).sorted()) ?? "no input, initializer or node output has that name"
    )
  }
}
