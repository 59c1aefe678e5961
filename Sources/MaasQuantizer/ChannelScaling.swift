import MaasCore
import MaasGraph

/// A value that only layers read, with the constants by which its channels can be scaled down where it is made and up
/// again where it is read: SmoothQuant behind a normalization, cross-layer equalization behind another layer.
struct ChannelScaling {
  /// An input of a node, and its dimension that has the channels; nil: it is a row of them.
  struct Place {
    let node: Int
    let input: Int
    let axis: Int?
  }

  let value: ValueID
  let channels: Int
  let makers: [Place]
  let readers: [Place]
  /// The place of each reader among the layers.
  let layers: [Int]
  /// Whether a channel of the weights is scaled by a number of its own anyhow, so that scaling it costs nothing.
  let isFree: Bool

  /// Everything of that kind in a graph.
  static func all(_ graph: Graph, _ layers: [Layer]) -> [ChannelScaling] {
    let finder = ScalingFinder(graph, layers)
    var seen: Set<ValueID> = []
    return layers.compactMap { seen.insert($0.x).inserted ? finder.scaling($0.x) : nil }
  }

  /// The graph with other constants that give the same outputs. `peaks` are the largest magnitudes of each channel.
  func apply(_ peaks: [Float], to graph: inout Graph) throws(MaasError) {
    let factors = factors(peaks, graph)
    for place in readers { try scale(place, by: factors, &graph) }
    for place in makers { try scale(place, by: factors.map { 1 / $0 }, &graph) }
  }

  /// What is taken from the value and given to the weights: each gets the root of what sets channels apart, or all of
  /// it where it is free.
  private func factors(_ peaks: [Float], _ graph: Graph) -> [Float] {
    var weights = [Float](repeating: 0, count: channels)
    for place in readers {
      guard let id = graph.nodes[place.node].inputs[place.input], let tensor = graph[id].constant else {
        continue
      }
      let inner = tensor.shape[((place.axis ?? 0) + 1)...].reduce(1, *)
      for (i, value) in tensor.elements(as: Float.self).enumerated() {
        let channel = i / inner % channels
        weights[channel] = max(weights[channel], value.magnitude)
      }
    }
    return zip(peaks, weights).map { peak, weight in
      guard peak > 0, weight > 0 else { return 1 }
      let factor = isFree ? peak : (peak / weight).squareRoot()
      return min(max(factor, 1e-4), 1e4)
    }
  }

  private func scale(_ place: Place, by factors: [Float], _ graph: inout Graph) throws(MaasError) {
    guard let id = graph.nodes[place.node].inputs[place.input], let tensor = graph[id].constant else {
      return
    }
    var elements = tensor.elements(as: Float.self)
    let inner = place.axis.map { tensor.shape[($0 + 1)...].reduce(1, *) } ?? 1
    for i in elements.indices { elements[i] *= factors[i / inner % channels] }
    graph.nodes[place.node].inputs[place.input] = graph.addConstant(
      "\(graph[id].name)_scaled", try Tensor(.float, tensor.shape, elements))
  }
}

private struct ScalingFinder {
  private let graph: Graph
  private let layers: [Layer]
  private let producers: [Int?]
  private let uses: [Int]

  init(_ graph: Graph, _ layers: [Layer]) {
    (self.graph, self.layers) = (graph, layers)
    producers = graph.producers()
    uses = graph.useCounts()
  }

  func scaling(_ x: ValueID) -> ChannelScaling? {
    let reading = layers.indices.filter { layers[$0].x == x }
    guard uses[x.index] == reading.count, let first = reading.first.map({ layers[$0] }) else { return nil }
    let isFree = isDepthwise(first)
    let channels = isFree ? first.columns : first.isConvolution ? first.weights.shape[1] : first.rows
    var readers: [ChannelScaling.Place] = []
    for i in reading {
      guard let axis = rowAxis(layers[i], channels), isDepthwise(layers[i]) == isFree else { return nil }
      readers.append(ChannelScaling.Place(node: layers[i].index, input: 1, axis: axis))
    }
    guard let makers = makers(x, channels, isConvolution: first.isConvolution) else { return nil }
    return ChannelScaling(
      value: x, channels: channels, makers: makers, readers: readers, layers: reading, isFree: isFree)
  }

  private func isDepthwise(_ layer: Layer) -> Bool {
    let groups = graph.forms[layer.node.op]?.int("group") ?? 1
    return layer.isConvolution && layer.weights.shape[1] == 1 && groups > 1 && groups == layer.columns
  }

  private func rowAxis(_ layer: Layer, _ channels: Int) -> Int? {
    if isDepthwise(layer) { return 0 }
    let axis = layer.isConvolution ? 1 : 1 - layer.columnAxis
    let groups = graph.forms[layer.node.op]?.int("group") ?? 1
    return groups == 1 && layer.weights.shape[axis] == channels ? axis : nil
  }

  /// The constants that the channels of a value are multiplied with or come from.
  private func makers(_ value: ValueID, _ channels: Int, isConvolution: Bool) -> [ChannelScaling.Place]? {
    guard let i = producers[value.index] else { return nil }
    let node = graph.nodes[i]
    if let layer = layers.first(where: { $0.index == i }), layer.columns == channels,
      layer.isConvolution == isConvolution
    {
      return linear(layer, channels)
    }
    guard let form = graph.forms[node.op] else { return nil }
    switch form.name {
    case "Relu":
      guard let input = node.inputs[0], uses[input.index] == 1 else { return nil }
      return makers(input, channels, isConvolution: isConvolution)
    case "LayerNormalization", "RMSNormalization", "SimplifiedLayerNormalization":
      return isConvolution ? nil : rows(i, [1, 2], channels)
    case "Add": return isConvolution ? nil : shifted(i, channels)
    case "Mul": return isConvolution ? nil : constantInput(i, channels).map { [$0.place] }
    default: return nil
    }
  }

  private func linear(_ layer: Layer, _ channels: Int) -> [ChannelScaling.Place]? {
    let weights = ChannelScaling.Place(node: layer.index, input: 1, axis: layer.columnAxis)
    guard layer.bias != nil else { return [weights] }
    return rows(layer.index, [2], channels).map { [weights] + $0 }
  }

  /// Inputs of a node, as far as they are given, that must be constant rows.
  private func rows(_ i: Int, _ inputs: [Int], _ channels: Int) -> [ChannelScaling.Place]? {
    var places: [ChannelScaling.Place] = []
    for input in inputs {
      guard let id = graph.nodes[i].inputs[at: input] ?? nil else { continue }
      guard isRow(id, channels) else { return nil }
      places.append(ChannelScaling.Place(node: i, input: input, axis: nil))
    }
    return places.isEmpty ? nil : places
  }

  private func isRow(_ id: ValueID, _ channels: Int) -> Bool {
    guard let tensor = graph[id].constant, tensor.dtype == .float else { return false }
    return tensor.count == channels && tensor.shape.last == channels
  }

  /// A product with a row and the addition of another one.
  private func shifted(_ i: Int, _ channels: Int) -> [ChannelScaling.Place]? {
    guard let shift = constantInput(i, channels), uses[shift.other.index] == 1,
      let scaled = makers(shift.other, channels, isConvolution: false)
    else { return nil }
    return [shift.place] + scaled
  }

  private func constantInput(_ i: Int, _ channels: Int) -> (place: ChannelScaling.Place, other: ValueID)? {
    let inputs = graph.nodes[i].inputs
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1] else { return nil }
    for (j, id, other) in [(0, a, b), (1, b, a)] where isRow(id, channels) && graph[other].constant == nil {
      return (ChannelScaling.Place(node: i, input: j, axis: nil), other)
    }
    return nil
  }
}

/// The largest magnitudes of the channels of some values, over all samples.
func channelPeaks(
  _ scalings: [ChannelScaling], _ graph: Graph, _ layers: [Layer], _ data: any CalibrationData, threads: Int
) throws(MaasError) -> [[Float]] {
  var peaks = scalings.map { [Float](repeating: 0, count: $0.channels) }
  let values = scalings.map { $0.value }
  try Observation(graph, values, threads: threads).run(data) { (sight) throws(MaasError) in
    for (i, tensor) in sight.values.enumerated() {
      let axis = layers[scalings[i].layers[0]].isConvolution ? 1 : tensor.shape.count - 1
      let inner = tensor.shape[(axis + 1)...].reduce(1, *)
      let channels = scalings[i].channels
      for j in 0..<tensor.count {
        let channel = j / inner % channels
        peaks[i][channel] = max(peaks[i][channel], tensor.floats[j].magnitude)
      }
    }
  }
  return peaks
}
