import MaasCore

/// Finds an order in which every node comes after the nodes it depends on. ONNX demands such an order already; files
/// that break the rule are sorted, cycles are refused.
struct NodeOrder {
  private let source: ModelSource
  private let nodes: [NodeProto]
  /// For each node, the nodes it reads from, itself or through its bodies.
  private var dependencies: [[Int]] = []

  /// `defined` are the names of inputs and initializers. A name that is made twice is refused here, where it would
  /// else look like a cycle; so is one that is no name.
  init(_ nodes: [NodeProto], _ source: ModelSource, defined: some Collection<Name>) throws(MaasError) {
    self.source = source
    self.nodes = nodes
    var producers: [Name: Int] = [:]
    for name in defined { producers[name] = -1 }
    for (i, node) in nodes.enumerated() {
      _ = try source.name(node.name)
      for output in node.outputs where output.count > 0 {
        let name = Name(try source.name(output))
        guard producers.updateValue(i, forKey: name) == nil else {
          throw sameName(name.text).inNode(node.label(source, index: i), source.text(node.opType))
        }
      }
    }
    dependencies = nodes.map { node in
      names(readBy: node, source).compactMap { producers[$0] }.filter { $0 >= 0 }
    }
  }

  func sorted() throws(MaasError) -> [Int] {
    if isSorted { return Array(nodes.indices) }
    var waiting = dependencies.map { $0.count }
    var readers = [[Int]](repeating: [], count: nodes.count)
    for (i, producers) in dependencies.enumerated() {
      for producer in producers { readers[producer].append(i) }
    }
    var order = nodes.indices.filter { waiting[$0] == 0 }
    var next = 0
    while next < order.count {
      for reader in readers[order[next]] {
        waiting[reader] -= 1
        if waiting[reader] == 0 { order.append(reader) }
      }
      next += 1
    }
    guard order.count == nodes.count else { throw cycle(waiting) }
    return order
  }

  private var isSorted: Bool {
    for (i, producers) in dependencies.enumerated() where producers.contains(where: { $0 >= i }) {
      return false
    }
    return true
  }

  /// Follows nodes that wait for each other until one comes again.
  private func cycle(_ waiting: [Int]) -> MaasError {
    var path: [Int] = []
    var places: [Int: Int] = [:]
    var node = waiting.firstIndex { $0 > 0 }
    while let current = node, places[current] == nil {
      places[current] = path.count
      path.append(current)
      node = dependencies[current].first { waiting[$0] > 0 }
    }
    guard let again = node, let start = places[again] else {
      return MaasError(.internal, "the nodes have no order")
    }
    let circle = path[start...].reversed().map { nodes[$0].label(source, index: $0) }
    let shown = circle.count > 6 ? circle.prefix(5) + ["…"] : circle[...]
    return MaasError(
      .invalidModel, "the nodes \(joined(shown.map { "'\($0)'" }, " -> ")) form a cycle",
      hint: "a node may only read what earlier nodes made")
  }
}

func sameName(_ name: String) -> MaasError {
  MaasError(
    .invalidModel, "two values of the graph have the same name", tensor: name,
    hint: "every input, initializer and node output needs a name of its own")
}

/// All names a node reads, those its bodies take from the graph around it included.
private func names(readBy node: NodeProto, _ source: ModelSource) -> [Name] {
  var names: [Name] = []
  for input in node.inputs where input.count > 0 { names.append(Name(source.text(input))) }
  for attribute in node.attributes {
    if let body = attribute.graph.value { names += freeNames(of: body, source) }
    for body in attribute.graphs { names += freeNames(of: body, source) }
  }
  return names
}

/// The names a body uses but does not define.
private func freeNames(of graph: GraphProto, _ source: ModelSource) -> [Name] {
  var defined: Set<Name> = []
  for input in graph.inputs { defined.insert(Name(source.text(input.name))) }
  for tensor in graph.initializers { defined.insert(Name(source.text(tensor.name))) }
  for node in graph.nodes {
    for output in node.outputs { defined.insert(Name(source.text(output))) }
  }
  var free = graph.outputs.map { Name(source.text($0.name)) }
  for node in graph.nodes { free += names(readBy: node, source) }
  return free.filter { !defined.contains($0) }
}

extension NodeProto {
  /// The node's name, or one made of its operator and place.
  func label(_ source: ModelSource, index: Int) -> String {
    let name = source.text(name)
    return name.isEmpty ? "\(source.text(opType))_\(index)" : name
  }
}
