import MaasCore
import MaasGraph

/// A body that runs another one again and goes back through it.
struct BackwardBody {
  private(set) var graph: Graph
  /// What the graph around gives for the last inputs.
  private(set) var captures: [ValueID]

  init(_ body: Graph, captures: [ValueID], _ node: Backward) {
    (graph, self.captures) = (body, captures)
    for (inner, outer) in zip(body.inputs.suffix(captures.count), captures) where graph[inner].dtype == nil {
      graph[inner].dtype = node.graph[outer].dtype
    }
  }

  /// The value inside that stands for one of the graph around.
  mutating func capture(_ outer: ValueID, _ node: Backward) -> ValueID {
    let inner = add(like: outer, node)
    graph.inputs.append(inner)
    captures.append(outer)
    return inner
  }

  /// A value inside of the type of one of the graph around.
  mutating func add(like outer: ValueID, _ node: Backward) -> ValueID {
    graph.add(Value(node.graph[outer].name, node.graph[outer].dtype))
  }

  mutating func sum(_ a: ValueID, _ b: ValueID) -> ValueID {
    graph.add(Binary(.add), [a, b], name: "sum")[0]
  }

  /// With other inputs in front of the captures.
  mutating func setInputs(_ own: [ValueID]) { graph.inputs = own + graph.inputs.suffix(captures.count) }

  /// The gradients of values inside, by those of what the body gives: nil for what does not matter.
  mutating func gradients(of xs: [ValueID], from slopes: [ValueID?]) throws(MaasError) -> [ValueID] {
    let pairs = zip(graph.outputs, slopes).compactMap { (output, slope) in slope.map { (output, $0) } }
    return try graph.addGradients(of: pairs.map { $0.0 }, to: xs, seeded: pairs.map { $0.1 })
  }

  mutating func zeros(like x: ValueID) -> ValueID { graph.add(FillLike(0), [x], name: "zeros")[0] }

  /// With what it gives.
  func finished(_ outputs: [ValueID]) -> Graph {
    var body = graph
    body.outputs = outputs
    body.captureCount = captures.count
    return body
  }
}
