import MaasCore
import MaasGraph

/// Graphs of one model in which some layers are quantized.
struct Assembly {
  var graph: Graph
  let layers: [Layer]
  /// What calibration says each value's bytes stand for; empty where ranges are found at the run.
  let ranges: [ValueID: ClosedRange<Float>]
  let opset: Int

  /// The model with the layers as they are chosen to be.
  func model(_ choices: [LayerChoice]) throws(MaasError) -> Graph {
    let quantized = choices.filter { $0.chosen != nil }
    let places = Dictionary(quantized.map { ($0.layer.index, $0) }) { first, _ in first }
    let flow = ranges.isEmpty ? nil : ByteFlow(graph, layers: quantized.map { $0.layer })
    var writer = QuantizedWriter(graph, flow.map(grids) ?? [:], opset: opset)
    for (i, node) in graph.nodes.enumerated() {
      try inNode(node.name, node.op.name) { () throws(MaasError) in
        if let choice = places[i], let precision = choice.current {
          var layer = choice.layer
          layer.bias = precision.bias
          try writer.write(layer, precision.weights, reading: layer.x, output: layer.y)
        } else {
          try writer.rewriter.keepPlain(try reading(node, flow, &writer))
        }
      }
    }
    return try writer.rewriter.finished()
  }

  /// The node, reading as bytes what everybody reads as bytes.
  private func reading(_ node: Node, _ flow: ByteFlow?, _ writer: inout QuantizedWriter) throws(MaasError)
    -> Node
  {
    guard let flow else { return node }
    var node = node
    for (j, input) in node.inputs.enumerated() {
      guard let input, flow.everywhere.contains(input) else { continue }
      node.inputs[j] = try writer.asBytes(input, input)
    }
    return node
  }

  /// Values that are linked share the range that holds all of theirs.
  func grids(_ flow: ByteFlow) -> [ValueID: Grid] {
    var shared: [ValueID: ClosedRange<Float>] = [:]
    for value in flow.values {
      guard let range = ranges[value] else { continue }
      let leader = flow.leader(value)
      let known = shared[leader] ?? range
      shared[leader] =
        min(known.lowerBound, range.lowerBound)...max(known.upperBound, range.upperBound)
    }
    var grids: [ValueID: Grid] = [:]
    for value in flow.values { grids[value] = shared[flow.leader(value)].map { Grid(bytes: $0) } }
    return grids
  }

  /// Each layer's own grid, as if it were quantized alone.
  var ownGrids: [ValueID: Grid] { ranges.mapValues { Grid(bytes: $0) } }
}
