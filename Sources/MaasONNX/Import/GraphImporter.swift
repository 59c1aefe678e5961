import MaasCore
import MaasGraph
import MaasOps

/// Turns one GraphProto, the model's own or a body inside it, into a Graph.
final class GraphImporter {
  private let context: ImportContext
  private let parent: GraphImporter?
  private let proto: GraphProto
  private var graph: Graph
  private var ids: [Name: ValueID] = [:]
  private var declared: [Name: Declaration] = [:]
  /// Values of the parent that this body reads, and what they are called in here.
  private var captures: [(outer: ValueID, inner: ValueID)] = []
  /// Inside a function: what its nodes and values are called by, the names of the calls.
  private var prefix = ""
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
    try importNodes(proto.nodes)
    for output in proto.outputs { graph.outputs.append(try self.output(source.name(output.name))) }
    if graph.outputs.isEmpty { throw MaasError(.invalidModel, "the graph has no outputs") }
    graph.inputs += captures.map { $0.inner }
    graph.captureCount = captures.count
    return graph
  }

  /// The value that is the graph's output of that name. What comes out of a function has a name from inside it.
  private func output(_ name: String) throws(MaasError) -> ValueID {
    let value = try resolve(name, "an output")
    guard Name(graph[value].name) != Name(name) else { return value }
    let output = graph.add(declared[name]?.value ?? Value(name))
    graph.nodes.append(Node(name, Identity(), [value], [output]))
    return output
  }

  private func importNodes(_ nodes: [NodeProto]) throws(MaasError) {
    for i in try NodeOrder(nodes, source, defined: ids.keys).sorted() { try importNode(nodes[i], index: i) }
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
    var named = value
    named.name = prefix + value.name
    let id = graph.add(named)
    ids[value.name] = id
    return id
  }

  private func importInitializers() throws(MaasError) {
    for sparse in proto.sparseInitializers {
      let tensor = try context.decoder.dense(sparse, fallbackName: "?")
      _ = try define(constant(source.name(sparse.values.value?.name), tensor))
    }
    for initializer in proto.initializers {
      let tensor = try context.decoder.tensor(initializer)
      _ = try define(constant(source.name(initializer.name), tensor))
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
      graph.inputs.append(try define(declaration.value))
    }
  }

  private func importNode(_ node: NodeProto, index: Int) throws(MaasError) {
    let name = prefix + node.label(source, index: index)
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
    _ = try define(constant(source.text(output), try node.constant(context)))
  }

  private func importOperator(_ node: NodeProto, _ name: String, _ type: String, _ domain: String)
    throws(MaasError)
  {
    if let function = try context.function(node, type, domain),
      context.own?.versions(type, domain).isEmpty ?? true
    {
      return try call(function, node, name)
    }
    let opset = try context.opset(of: domain)
    var inputs = try inputs(of: node)
    let attributes = try readAttributes(of: node, &inputs)
    let (inputCount, outputCount) = (node.inputs.count, node.outputs.count)
    var reader = AttributeReader(
      attributes, opset: opset, inputCount: inputCount, outputCount: outputCount)
    if type == "Gradient", domain == "ai.onnx.preview.training" {
      return try importGradient(try GradientRequest(&reader), node, inputs)
    }
    let kind = "\(type) \(domain) \(opset) \(inputCount) \(outputCount)"
    let op = try context.sharedOperator(kind, attributes) { () throws(MaasError) in
      let op = try operatorRegistration(type, domain: domain, opset: opset, own: context.own).make(&reader)
      try reader.finish()
      return op
    }
    if context.keepsForms {
      graph.forms[op] = OperatorForm(
        type, domain: domain, opset: opset, attributes: attributes, inputCount: inputCount)
    }
    graph.nodes.append(Node(name, op, inputs, try outputs(of: node)))
  }

  /// Puts the nodes that compute the derivatives in the place of a node that asks for them.
  private func importGradient(_ request: GradientRequest, _ node: NodeProto, _ inputs: [ValueID?])
    throws(MaasError)
  {
    let names = request.xs + request.zs
    let named = try names.map { (name) throws(MaasError) in try resolve(name, "attribute 'xs' or 'zs'") }
    var given: [ValueID] = []
    for (i, input) in inputs.enumerated() {
      guard let input else { throw MaasError(.invalidModel, "input \(i) is missing") }
      given.append(input)
    }
    let gradients = try graph.addGradients(
      of: try resolve(request.y, "attribute 'y'"), named: named, variables: request.xs.count, at: given)
    for (output, gradient) in zip(node.outputs, gradients) where output.count > 0 {
      let name = source.text(output)
      guard ids.updateValue(gradient, forKey: Name(name)) == nil else { throw sameName(name) }
      graph[gradient].name = prefix + name
    }
  }

  private func inputs(of node: NodeProto) throws(MaasError) -> [ValueID?] {
    var inputs: [ValueID?] = []
    for (i, input) in node.inputs.enumerated() {
      inputs.append(input.count == 0 ? nil : try resolve(source.name(input), "input \(i)"))
    }
    return inputs
  }

  private func outputs(of node: NodeProto) throws(MaasError) -> [ValueID?] {
    var outputs: [ValueID?] = []
    for output in node.outputs {
      let name = source.text(output)
      outputs.append(name.isEmpty ? nil : try define(declared[name]?.value ?? Value(name)))
    }
    return outputs
  }

  /// Reads a node's attributes; what its bodies capture is appended to its inputs, body by body.
  private func readAttributes(of node: NodeProto, _ inputs: inout [ValueID?]) throws(MaasError) -> [Attribute]
  {
    var captured: [ValueID?] = []
    let importer = AttributeImporter(context: context) { (body) throws(MaasError) in
      let importer = GraphImporter(body, self.context, parent: self)
      let graph = try importer.importGraph()
      captured += importer.capturedValues.map { $0 }
      return graph
    }
    var attributes: [Attribute] = []
    for attribute in inBodyOrder(node.attributes) {
      if let attribute = try importer.attribute(attribute) { attributes.append(attribute) }
    }
    inputs += captured
    return attributes
  }

  /// The captures of several bodies come in a fixed order, whatever the order in the file.
  private func inBodyOrder(_ attributes: [AttributeProto]) -> [AttributeProto] {
    let bodies = attributes.filter { $0.graph.value != nil }
    guard bodies.count > 1 else { return attributes }
    let leading = ["then_branch", "score_mod"]
    let first = bodies.filter { leading.contains(source.text($0.name)) }
    return first + attributes.filter { !leading.contains(source.text($0.name)) }
  }

  /// The value of that name, here or in the graphs around this one. Constants from outside become constants here,
  /// other values captures.
  private func find(_ name: String) -> ValueID? {
    if let id = ids[name] { return id }
    // The body of a function sees nothing but its inputs.
    guard prefix.isEmpty, let parent, let outer = parent.find(name) else { return nil }
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
      hint: didYouMean(name, ids.keys.map { $0.text }.sorted())
        ?? "no input, initializer or node output has that name"
    )
  }
}

// Functions of the model's own.
extension GraphImporter {
  /// Puts the nodes of a function in the place of a node that calls it.
  private func call(_ function: FunctionProto, _ node: NodeProto, _ name: String) throws(MaasError) {
    guard node.inputs.count <= function.inputs.count, node.outputs.count <= function.outputs.count else {
      throw MaasError(
        .invalidModel, "the call does not fit the function",
        expected: "at most \(function.inputs.count) inputs and \(function.outputs.count) outputs",
        found: "\(node.inputs.count) and \(node.outputs.count)")
    }
    let arguments = try inputs(of: node)
    try context.enter(function, node.attributes)
    let outside = (ids, declared, prefix)
    (ids, declared, prefix) = ([:], [:], name + "/")
    var leftOut: Set<Name> = []
    for (i, input) in function.inputs.enumerated() {
      if let argument = arguments[at: i] ?? nil {
        ids[source.text(input)] = argument
      } else {
        leftOut.insert(Name(source.text(input)))
      }
    }
    try importNodes(function.nodes.map { $0.without(leftOut, source) })
    let results = try node.outputs.indices.map { (i) throws(MaasError) in
      try resolve(source.text(function.outputs[i]), "output \(i) of the function")
    }
    (ids, declared, prefix) = outside
    context.leave()
    for (output, result) in zip(node.outputs, results) where output.count > 0 {
      let name = source.text(output)
      guard ids.updateValue(result, forKey: Name(name)) == nil else { throw sameName(name) }
    }
  }
}

extension NodeProto {
  /// The node with inputs of these names left out.
  fileprivate func without(_ names: Set<Name>, _ source: ModelSource) -> NodeProto {
    if names.isEmpty { return self }
    var node = self
    for i in inputs.indices where names.contains(Name(source.text(inputs[i]))) { node.inputs[i] = Blob("") }
    return node
  }
}

extension Declaration {
  fileprivate var value: Value { Value(name, dtype, shape, container: container) }
}
