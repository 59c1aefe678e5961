import MaasCore
import MaasGraph

/// Which values of a graph become bytes, so that layers and what stands between them hand bytes to each other.
struct ByteFlow {
  /// All of them, in the order found.
  private(set) var values: [ValueID] = []
  /// Those that every reader takes as bytes.
  private(set) var everywhere: Set<ValueID> = []
  /// Values that must have one range are linked to each other.
  private var leaders: [ValueID: ValueID] = [:]
  private let graph: Graph
  private let producers: [Int?]
  private let uses: [Int]
  private let layers: Set<Int>
  /// Of each value: whether all that it is made of are quantized layers.
  private var comesFromLayers: [Bool]

  /// What only moves bytes, and what computes with them.
  private static let movers = [
    "MaxPool", "Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Slice", "GlobalMaxPool",
  ]
  private static let means = ["AveragePool", "GlobalAveragePool"]

  /// `layers` are the places of the nodes that are quantized.
  init(_ graph: Graph, layers: [Layer]) {
    self.graph = graph
    self.layers = Set(layers.map { $0.index })
    producers = graph.producers()
    uses = graph.useCounts()
    comesFromLayers = graph.values.map { _ in false }
    for node in graph.nodes {
      guard let value = node.outputs.first ?? nil, let i = root(value) else { continue }
      comesFromLayers[value.index] =
        self.layers.contains(i) || byteInputs(i)?.allSatisfy { comesFromLayers[$0.index] } ?? false
    }
    var waiting = layers.map { $0.x }
    var seen: Set<ValueID> = []
    while let value = waiting.popLast() {
      guard seen.insert(value).inserted else { continue }
      values.append(value)
      waiting += follow(value)
    }
  }

  /// The value whose range this one has.
  func leader(_ value: ValueID) -> ValueID {
    var value = value
    while let next = leaders[value], next != value { value = next }
    return value
  }

  private mutating func link(_ a: ValueID, _ b: ValueID) {
    let (a, b) = (leader(a), leader(b))
    if a != b { leaders[b] = a }
  }

  /// Goes behind a value that is bytes: returns what then should be bytes too.
  private mutating func follow(_ value: ValueID) -> [ValueID] {
    guard let i = root(value) else { return [] }
    if layers.contains(i) {
      everywhere.insert(value)
      return []
    }
    guard let inputs = byteInputs(i), inputs.allSatisfy({ comesFromLayers[$0.index] }) else { return [] }
    everywhere.insert(value)
    let name = type(i)
    if ByteFlow.movers.contains(name) || name == "Concat" {
      for input in inputs { link(value, input) }
    }
    return inputs
  }

  private func type(_ i: Int) -> String {
    guard let form = graph.forms[graph.nodes[i].op], form.domain.isEmpty else { return "" }
    return form.name
  }

  /// The node that makes a value, looking through an activation that leaves only its result.
  private func root(_ value: ValueID) -> Int? {
    guard let i = producers[value.index], graph.nodes[i].outputs.first == value else { return nil }
    guard type(i) == "Relu" || type(i) == "Clip", let input = graph.nodes[i].inputs[0],
      uses[input.index] == 1,
      let before = producers[input.index]
    else { return i }
    return before
  }

  /// The inputs that would be bytes if the node's output is; nil where it is none of those nodes.
  private func byteInputs(_ i: Int) -> [ValueID]? {
    let (node, name) = (graph.nodes[i], type(i))
    let count = name == "Add" ? 2 : name == "Concat" ? node.inputs.count : 1
    guard
      name == "Add" || name == "Concat" || ByteFlow.movers.contains(name) || ByteFlow.means.contains(name),
      node.outputs.count == 1
    else { return nil }
    let inputs = node.inputs.prefix(count).compactMap { $0 }
    let areFloats = inputs.allSatisfy { graph[$0].dtype == .float && graph[$0].constant == nil }
    return inputs.count == count && areFloats ? inputs : nil
  }
}
