import MaasCore
import MaasGraph
import MaasOps

/// A graph while a rule looks for patterns in it: who makes each value, and how often it is read.
struct Matcher {
  private(set) var graph: Graph
  private var producers: [Int?]
  private var uses: [Int]
  private var gone: Set<Int> = []
  /// Nodes in front of the one at an index.
  private var inserted: [Int: [Node]] = [:]
  /// The node that is offered now.
  fileprivate var current = 0

  init(_ graph: Graph) {
    self.graph = graph
    producers = graph.producers()
    uses = graph.useCounts()
  }

  /// The index of the node that makes a value.
  func producer(_ id: ValueID?) -> Int? { id.flatMap { producers[at: $0.index] ?? nil } }

  /// The node that makes a value, whatever it is.
  func node(_ id: ValueID?) -> Node? { producer(id).map { graph.nodes[$0] } }

  /// The node that makes a value, if its operator is the family's of this name, without anything fused into it.
  func node(_ id: ValueID?, _ name: String) -> Node? {
    guard let node = node(id), node.op.name == name, node.op.isElementary else { return nil }
    return node
  }

  func isReadOnce(_ id: ValueID?) -> Bool { id.map { isRead($0, times: 1) } ?? false }

  /// Whether it is read as often by nodes, and is no output.
  func isRead(_ id: ValueID, times: Int) -> Bool { uses[at: id.index] == times && readers(id) == times }

  /// How many nodes read a value that may also be an output of the graph.
  func readers(_ id: ValueID) -> Int { (uses[at: id.index] ?? 0) - graph.outputs.count { $0 == id } }

  func shape(_ id: ValueID?) -> [Dim]? { id.flatMap { graph[$0].shape?.dims } }

  /// True for float values of the same known shape.
  func alike(_ a: ValueID?, _ b: ValueID?) -> Bool {
    guard let a, let b, let shape = shape(a), shape == self.shape(b) else { return false }
    return graph[a].dtype == .float && graph[b].dtype == .float
  }

  /// The element of a float constant of rank 0 or 1 that has just one.
  func scalar(_ id: ValueID?) -> Double? {
    guard let tensor = graph.floatConstant(id, count: 1), tensor.shape.count < 2 else { return nil }
    return tensor.elements(as: Float.self).first.map { Double($0) }
  }

  /// A value for a tensor of a rule's own making.
  mutating func constant(_ name: String, _ tensor: Tensor) -> ValueID {
    added(graph.addConstant(name, tensor))
  }

  /// A value for the output of a node that a rule inserts.
  mutating func value(_ name: String, _ dtype: DType?, _ shape: [Dim]?) -> ValueID {
    added(graph.add(Value(name, dtype, shape.map { Shape($0) })))
  }

  private mutating func added(_ id: ValueID) -> ValueID {
    producers.append(nil)
    uses.append(0)
    return id
  }

  /// Puts a node in the place of another, whose outputs it makes.
  fileprivate mutating func replace(_ i: Int, by node: Node) {
    for case .some(let id) in graph.nodes[i].inputs { uses[id.index] -= 1 }
    for case .some(let id) in node.inputs { uses[id.index] += 1 }
    for case .some(let id) in node.outputs { producers[id.index] = i }
    graph.nodes[i] = node
  }

  /// Takes away a node whose outputs the next replacement makes.
  mutating func drop(_ i: Int) { gone.insert(i) }

  /// Puts a node in front of the one that is offered, which will be replaced.
  mutating func insert(_ node: Node) {
    for case .some(let id) in node.inputs { uses[id.index] += 1 }
    inserted[current, default: []].append(node)
  }

  fileprivate func isGone(_ i: Int) -> Bool { gone.contains(i) }

  fileprivate func finished() -> Graph {
    guard !gone.isEmpty || !inserted.isEmpty else { return graph }
    var result = graph
    result.nodes = []
    for (i, node) in graph.nodes.enumerated() where !gone.contains(i) {
      result.nodes += (inserted[i] ?? []) + [node]
    }
    return result
  }
}

extension Graph {
  /// Offers every node to `rewrite`, which may return one to take its place: one that makes the same outputs of values
  /// that are there before. What nobody reads any more goes. Returns how often a node was replaced.
  mutating func replaceNodes(
    _ rewrite: (_ node: Node, _ matcher: inout Matcher) throws(MaasError) -> Node?
  ) throws(MaasError) -> Int {
    var matcher = Matcher(self)
    var count = 0
    for i in nodes.indices where !matcher.isGone(i) {
      matcher.current = i
      guard let node = try rewrite(matcher.graph.nodes[i], &matcher) else { continue }
      matcher.replace(i, by: node)
      count += 1
    }
    guard count > 0 else { return 0 }
    self = matcher.finished()
    _ = try eliminateDeadNodes.apply(&self)
    return count
  }
}
