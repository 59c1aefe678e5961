/// Where the items of a layered graph are.
struct Placement {
  /// Centres, by item.
  private(set) var x: [Double]
  /// Upper edges, by layer.
  private(set) var top: [Double] = []
  let heights: [Double]
  private(set) var width = 0.0
  private(set) var height = 0.0

  private let graph: LayeredGraph
  private let widths: [Double]
  private static let gap = 24.0

  /// `widths` by item, `heights` by layer; `layerGap` is between the layers.
  init(_ graph: LayeredGraph, widths: [Double], heights: [Double], layerGap: Double) {
    self.graph = graph
    self.widths = widths
    self.heights = heights
    x = [Double](repeating: 0, count: graph.items.count)
    for layer in heights {
      top.append(height)
      height += layer + layerGap
    }
    height = max(0, height - layerGap)
    for layer in graph.layers { place(layer, at: layer.map { _ in 0 }) }
    for _ in 0..<12 {
      for layer in graph.layers.dropFirst() { pull(layer) { $0.above } }
      for layer in graph.layers.dropLast().reversed() { pull(layer) { $0.below } }
    }
    for _ in 0..<16 { straighten() }
    moveToOrigin()
  }

  /// Moves the items of a layer towards the medians of their neighbours.
  private mutating func pull(_ layer: [Int], _ neighbours: (LayeredGraph.Item) -> [Int]) {
    let wishes = layer.map { item in
      LayeredGraph.median(neighbours(graph.items[item]).map { x[$0] }) ?? x[item]
    }
    place(layer, at: wishes)
  }

  /// Moves bends towards the mean of all bends of their edge, and boxes towards their neighbours.
  private mutating func straighten() {
    var sums: [Int: (x: Double, count: Double)] = [:]
    for (i, item) in graph.items.enumerated() {
      guard let chain = item.chain else { continue }
      let sum = sums[chain] ?? (0, 0)
      sums[chain] = (sum.x + x[i], sum.count + 1)
    }
    for layer in graph.layers {
      let wishes = layer.map { item in
        graph.items[item].chain.flatMap { sums[$0] }.map { $0.x / $0.count } ?? middle(item)
      }
      place(layer, at: wishes)
    }
  }

  private func middle(_ item: Int) -> Double {
    LayeredGraph.median((graph.items[item].above + graph.items[item].below).map { x[$0] }) ?? x[item]
  }

  /// Puts items as near to their wishes, by least squares, as their order and widths allow: neighbours that would
  /// overlap move together, to the mean of their wishes.
  private mutating func place(_ layer: [Int], at wishes: [Double]) {
    var offsets: [Double] = []
    var offset = 0.0
    for (i, item) in layer.enumerated() {
      if i > 0 { offset += (widths[layer[i - 1]] + widths[item]) / 2 + Self.gap }
      offsets.append(offset)
    }
    var blocks: [(sum: Double, weight: Double, count: Int)] = []
    for (i, item) in layer.enumerated() {
      let weight = weight(item)
      var block = (sum: (wishes[i] - offsets[i]) * weight, weight: weight, count: 1)
      while let last = blocks.last, last.sum / last.weight > block.sum / block.weight {
        block = (block.sum + last.sum, block.weight + last.weight, block.count + last.count)
        blocks.removeLast()
      }
      blocks.append(block)
    }
    var i = 0
    for block in blocks {
      for _ in 0..<block.count {
        x[layer[i]] = block.sum / block.weight + offsets[i]
        i += 1
      }
    }
  }

  /// Bends pull more, so that long edges are straight.
  private func weight(_ item: Int) -> Double { graph.items[item].box == nil ? 8 : 1 }

  private mutating func moveToOrigin() {
    let left = x.indices.map { x[$0] - widths[$0] / 2 }.min() ?? 0
    for i in x.indices { x[i] -= left }
    width = x.indices.map { x[$0] + widths[$0] / 2 }.max() ?? 0
  }
}
