import MaasCore
import MaasGraph
import MaasOps

/// Turns one Graph, a model's own or a body inside it, into a GraphProto.
final class GraphExporter {
  private let graph: Graph
  private let context: ExportContext
  private let parent: GraphExporter?
  /// What values are called in the file: those that are there already.
  private var names: [String?]
  /// What the graph's outputs will be called.
  private var outputNames: [ValueID: String] = [:]
  private let constants: [ObjectIdentifier: ValueID]
  /// Why values are not in the file. Nodes that stand as what they replaced need not what others made for them.
  private var missing: [ValueID: MaasError] = [:]
  private var proto = GraphProto()

  init(_ graph: Graph, _ context: ExportContext, parent: GraphExporter? = nil) {
    self.graph = graph
    self.context = context
    self.parent = parent
    names = graph.values.map { _ in nil }
    var constants: [ObjectIdentifier: ValueID] = [:]
    for (i, value) in graph.values.enumerated() {
      if let constant = value.constant { constants[ObjectIdentifier(constant)] = ValueID(i) }
    }
    self.constants = constants
  }

  /// `captured` is what a body reads of the graph around it: names there, in the order of its last inputs.
  func export(captured: [String] = []) throws(MaasError) -> GraphProto {
    proto.name = Blob(graph.name.isEmpty ? "graph" : graph.name)
    let own = graph.inputs.dropLast(graph.captureCount)
    for (id, name) in zip(graph.inputs.suffix(graph.captureCount), captured) { names[id.index] = name }
    for id in own {
      let name = context.unique(graph[id].name)
      names[id.index] = name
      proto.inputs.append(context.declaration(name, graph[id]))
    }
    let outputs = nameOutputs()
    for node in graph.nodes { try write(node) }
    for (id, name) in zip(graph.outputs, outputs) { try write(output: id, name) }
    return proto
  }

  /// What a value is only here for the outputs has their names before anything else can take them.
  private func nameOutputs() -> [String] {
    var outputs: [String] = []
    for id in graph.outputs {
      let isInput = parent == nil && names[id.index] != nil
      let name = isInput ? names[id.index] ?? "" : context.unique(graph[id].name)
      if outputNames[id] == nil, names[id.index] == nil, graph[id].constant == nil { outputNames[id] = name }
      outputs.append(name)
    }
    return outputs
  }

  /// Constants, what a body only hands on, and what is two outputs, come out of a node of their own.
  private func write(output id: ValueID, _ name: String) throws(MaasError) {
    proto.outputs.append(context.declaration(name, graph[id]))
    let source = try self.name(of: id)
    guard source != name else { return }
    _ = try context.useStandard()
    proto.nodes.append(node("Identity", "", name, [source], [name]))
  }

  private func node(
    _ type: String, _ domain: String, _ name: String, _ inputs: [String], _ outputs: [String]
  ) -> NodeProto {
    var proto = NodeProto()
    proto.opType = Blob(type)
    if !domain.isEmpty { proto.domain = Blob(domain) }
    if !name.isEmpty { proto.name = Blob(name) }
    proto.inputs = inputs.map { Blob($0) }
    proto.outputs = outputs.map { Blob($0) }
    return proto
  }

  private func write(_ node: Node) throws(MaasError) {
    try inNode(node.name, node.op.name) { () throws(MaasError) in
      if let form = try form(of: node) { return try write(node, form) }
      let replaced = node.replaced { areEqual($0, $1) }
      if replaced.isEmpty { leaveOut(node) }
      for node in replaced where !isWritten(node) { try write(node) }
    }
  }

  private func areEqual(_ a: ValueID, _ b: ValueID) -> Bool {
    guard let a = graph[a].constant, let b = graph[b].constant else { return false }
    return a.dtype != .string && a.isIdentical(to: b)
  }

  /// Two nodes may have replaced one and the same.
  private func isWritten(_ node: Node) -> Bool {
    node.outputs.allSatisfy { $0.map { names[$0.index] != nil } ?? true }
  }

  private func leaveOut(_ node: Node) {
    let error = MaasError(
      .unsupported, "the operator has no form in ONNX, so that the model cannot be written")
    for case .some(let output) in node.outputs { missing[output] = error.inNode(node.name, node.op.name) }
  }

  /// How the operator stood in a file, unless a rewrite gave it inputs that no file has. Identity may be of no file:
  /// what functions give is handed on by it.
  private func form(of node: Node) throws(MaasError) -> OperatorForm? {
    guard let form = graph.forms[node.op] else {
      return node.op.forwards ? try identity() : nil
    }
    let inputs = node.inputs.count - node.op.bodies.reduce(0) { $0 + $1.captureCount }
    if inputs == form.inputCount { return form }
    do {
      let row = try operatorRegistration(form.name, domain: form.domain, opset: form.opset, own: context.own)
      var reader = AttributeReader(
        form.attributes, opset: form.opset, inputCount: inputs, outputCount: node.outputs.count)
      _ = try row.make(&reader)
      return form
    } catch {
      return nil
    }
  }

  private func identity() throws(MaasError) -> OperatorForm {
    OperatorForm("Identity", domain: "", opset: try context.useStandard(), attributes: [], inputCount: 1)
  }

  private func write(_ node: Node, _ form: OperatorForm) throws(MaasError) {
    try context.use(form.domain, form.opset)
    let inputs = try node.inputs.map { (id) throws(MaasError) in try id.map(name(of:)) ?? "" }
    let captured = node.op.bodies.reduce(0) { $0 + $1.captureCount }
    var rest = inputs.suffix(captured)
    let exporter = AttributeExporter(context: context) { (body) throws(MaasError) in
      defer { rest = rest.dropFirst(body.captureCount) }
      let captured = Array(rest.prefix(body.captureCount))
      return try GraphExporter(body, self.context, parent: self).export(captured: captured)
    }
    var written = self.node(form.name, form.domain, node.name, Array(inputs.dropLast(captured)), [])
    for attribute in form.attributes { written.attributes.append(try exporter.attribute(attribute)) }
    written.outputs = node.outputs.map { Blob($0.map(define) ?? "") }
    proto.nodes.append(written)
    if form.domain == "com.microsoft" { declareOutputs(of: node) }
  }

  /// Says the types that ONNX cannot infer: its own inference does not survive a LabelEncoder behind a value without
  /// one.
  private func declareOutputs(of node: Node) {
    for case let id? in node.outputs where outputNames[id] == nil {
      guard let name = names[id.index] else { continue }
      proto.valueInfos.append(context.declaration(name, graph[id]))
    }
  }

  /// The name of a value that a node makes here.
  private func define(_ id: ValueID) -> String {
    let name = outputNames[id] ?? context.unique(graph[id].name)
    names[id.index] = name
    return name
  }

  private func name(of id: ValueID) throws(MaasError) -> String {
    if let known = names[id.index] { return known }
    if let constant = graph[id].constant, let name = try initializer(constant) {
      names[id.index] = name
      return name
    }
    throw missing[id] ?? MaasError(.internal, "a value is read that nothing makes", tensor: graph[id].name)
  }

  /// The name of the initializer that holds a tensor. It stands in the outermost graph that has the tensor.
  private func initializer(_ tensor: Tensor) throws(MaasError) -> String? {
    if let name = try parent?.initializer(tensor) { return name }
    guard let id = constants[ObjectIdentifier(tensor)] else { return nil }
    if let known = names[id.index] { return known }
    let name = context.unique(graph[id].name)
    names[id.index] = name
    proto.initializers.append(try context.initializer(tensor, name))
    return name
  }
}
