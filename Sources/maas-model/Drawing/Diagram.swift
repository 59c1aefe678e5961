import MaasCore
import MaasGraph

/// A model's graph as boxes and edges, before they have places.
struct Diagram {
  /// An input, a node or an output.
  struct Box {
    enum Subject {
      case input(ValueID)
      case node(Int)
      case output(ValueID)
    }

    let subject: Subject
    let title: String
    /// What stands below the title: the constants that the node reads.
    var lines: [String] = []
    /// The values that leave it at its lower edge, with what their edges are labelled.
    var ports: [(value: ValueID, label: String)] = []
  }

  /// A value goes from a port of a box to another box.
  struct Edge {
    let from: Int
    let port: Int
    let to: Int
  }

  private(set) var boxes: [Box] = []
  private(set) var edges: [Edge] = []

  init(_ model: InspectedModel) {
    var origin: [ValueID: (box: Int, port: Int)] = [:]
    for id in model.graph.inputs {
      origin[id] = (boxes.count, 0)
      boxes.append(Box(subject: .input(id), title: model.graph[id].name, ports: [(id, model.label(id))]))
    }
    for (i, node) in model.graph.nodes.enumerated() {
      for (port, id) in node.outputs.compactMap({ $0 }).enumerated() { origin[id] = (boxes.count, port) }
      connect(node.inputs.compactMap { $0 }, origin)
      boxes.append(Box(model, node: i))
    }
    for id in model.graph.outputs {
      connect([id], origin)
      boxes.append(Box(subject: .output(id), title: model.graph[id].name))
    }
  }

  /// Edges to the box that comes next; a value that it reads twice has one.
  private mutating func connect(_ values: [ValueID], _ origin: [ValueID: (box: Int, port: Int)]) {
    var seen: Set<ValueID> = []
    for id in values where seen.insert(id).inserted {
      if let from = origin[id] { edges.append(Edge(from: from.box, port: from.port, to: boxes.count)) }
    }
  }
}

extension Diagram.Box {
  private static let mostLines = 4

  fileprivate init(_ model: InspectedModel, node i: Int) {
    let node = model.graph.nodes[i]
    self.init(subject: .node(i), title: node.op.name)
    let constants = node.inputs.compactMap { id in id.flatMap { model.graph[$0].constant } }
    lines = constants.prefix(Self.mostLines).map { shortened($0.summary) }
    if constants.count > Self.mostLines { lines.append("… and \(constants.count - Self.mostLines) more") }
    ports = node.outputs.compactMap { $0 }.map { ($0, model.label($0)) }
  }
}

extension InspectedModel {
  /// What an edge is labelled: the shape, with the element type where it is not float.
  fileprivate func label(_ id: ValueID) -> String {
    guard let fact = fact(id) else { return "?" }
    let shape = fact.shape?.text ?? "[…]"
    return shortened(fact.dtype == .float && fact.container == nil ? shape : fact.text)
  }
}

/// The text, cut in its middle when it is long.
func shortened(_ text: String, to count: Int = 40) -> String {
  text.count <= count ? text : text.prefix(count / 2) + "…" + text.suffix(count / 2 - 1)
}
