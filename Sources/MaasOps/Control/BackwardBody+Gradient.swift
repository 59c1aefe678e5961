import MaasCore
import MaasGraph

/// A body that runs another one again and goes back through it.
struct BackwardBody: ~Copyable {
  private(set) var graph: Graph
  /// What the graph around gives for each input.
  private(set) var given: [ValueID?] = []
  private let results: [ValueID]

  /// The inputs of `body` are to be taken.
  init(_ body: Graph) {
    (graph, results) = (body, body.outputs)
    graph.inputs = []
  }

  /// Makes an input of a value inside, the last one unless its place is said.
  mutating func take(_ inner: ValueID, for outer: ValueID, _ node: Backward, at place: Int? = nil) {
    if graph[inner].dtype == nil { graph[inner].dtype = node.graph[outer].dtype }
    graph.inputs.insert(inner, at: place ?? given.count)
    given.insert(outer, at: place ?? given.count)
  }

  /// Says what the body gives; tells of each value inside whether that takes it.
  mutating func give(_ outputs: [ValueID]) -> [Bool] {
    graph.outputs = outputs
    return graph.removeDeadNodes()
  }

  /// An input for a value of the graph around.
  mutating func input(for outer: ValueID, _ node: Backward) -> ValueID {
    let inner = graph.add(Value(node.graph[outer].name))
    take(inner, for: outer, node)
    return inner
  }

  /// The gradients of values inside, by those of what the body gives: nil for what does not matter.
  mutating func gradients(of xs: [ValueID], from slopes: [ValueID?]) throws(MaasError) -> [ValueID] {
    var (ys, seeds): ([ValueID], [ValueID]) = ([], [])
    for (i, slope) in slopes.enumerated() {
      guard let slope else { continue }
      ys.append(results[i])
      seeds.append(slope)
    }
    return try graph.addGradients(of: ys, to: xs, seeded: seeds)
  }

  mutating func add(_ op: any Operator, _ inputs: [ValueID?]) -> ValueID {
    graph.add(op, inputs, name: op.name)[0]
  }

  /// The whole. The inputs from `first` on are captures.
  mutating func finished(capturesFrom first: Int = 0) -> Graph {
    graph.captureCount = given.count - first
    return graph
  }
}
