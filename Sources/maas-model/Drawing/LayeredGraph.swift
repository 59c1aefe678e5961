/// A graph without cycles, its boxes in layers from the top to the bottom. An edge over several layers goes through a
/// bend in each of them; edges from one port share their bends.
struct LayeredGraph {
  /// A box or a bend.
  struct Item {
    /// The box; nil for a bend.
    let box: Int?
    let layer: Int
    /// The port, counted over all boxes, that the edge of a bend comes from.
    var chain: Int?
    var above: [Int] = []
    var below: [Int] = []
  }

  private(set) var items: [Item]
  /// The items of each layer from left to right.
  var layers: [[Int]]
  /// For each edge, the items from its box to the box it ends at.
  private(set) var paths: [[Int]] = []

  /// Boxes are numbered in an order in which edges only go forward.
  init(boxCount: Int, edges: [(from: Int, port: Int, to: Int)]) {
    let depth = Self.depths(boxCount, edges)
    items = (0..<boxCount).map { Item(box: $0, layer: depth[$0]) }
    layers = Array(repeating: [], count: (depth.max() ?? -1) + 1)
    for i in 0..<boxCount { layers[depth[i]].append(i) }
    var bends: [[Int]: Int] = [:]
    var chains: [[Int]: Int] = [:]
    for edge in edges {
      var path = [edge.from]
      for layer in depth[edge.from] + 1..<max(depth[edge.to], depth[edge.from] + 1) {
        let key = [edge.from, edge.port, layer]
        let chain = chains[[edge.from, edge.port]] ?? chains.count
        chains[[edge.from, edge.port]] = chain
        let bend = bends[key] ?? addBend(layer, chain)
        bends[key] = bend
        path.append(bend)
      }
      path.append(edge.to)
      for (a, b) in zip(path, path.dropFirst()) where !items[a].below.contains(b) {
        items[a].below.append(b)
        items[b].above.append(a)
      }
      paths.append(path)
    }
  }

  private mutating func addBend(_ layer: Int, _ chain: Int) -> Int {
    items.append(Item(box: nil, layer: layer, chain: chain))
    layers[layer].append(items.count - 1)
    return items.count - 1
  }

  /// Each box as high as its inputs allow; what has none goes down to just above its first reader.
  private static func depths(_ count: Int, _ edges: [(from: Int, port: Int, to: Int)]) -> [Int] {
    var incoming = [[Int]](repeating: [], count: count)
    var outgoing = incoming
    for edge in edges {
      incoming[edge.to].append(edge.from)
      outgoing[edge.from].append(edge.to)
    }
    var depth = [Int](repeating: 0, count: count)
    for i in 0..<count { depth[i] = (incoming[i].map { depth[$0] }.max() ?? -1) + 1 }
    for i in 0..<count where incoming[i].isEmpty {
      if let first = outgoing[i].map({ depth[$0] }).min() { depth[i] = first - 1 }
    }
    return depth
  }
}

// The order within layers.
extension LayeredGraph {
  /// How often edges between neighbouring layers cross.
  var crossings: Int {
    var count = 0
    for (upper, lower) in zip(layers, layers.dropFirst()) {
      let place = Self.places(lower, count: items.count)
      let ends = upper.flatMap { items[$0].below.map { place[$0] }.sorted() }
      count += Self.inversions(ends, below: lower.count)
    }
    return count
  }

  /// Orders each layer by the medians of its neighbours in the layer before it, down and up in turn, and keeps the
  /// order with the fewest crossings.
  mutating func reduceCrossings(sweeps: Int = 16) {
    var best = (layers, crossings)
    for sweep in 0..<sweeps where best.1 > 0 {
      let isDown = sweep % 2 == 0
      for i in isDown ? Array(layers.indices.dropFirst()) : layers.indices.dropLast().reversed() {
        sort(layer: i, by: layers[isDown ? i - 1 : i + 1]) { isDown ? $0.above : $0.below }
      }
      let now = crossings
      if now < best.1 { best = (layers, now) }
    }
    layers = best.0
  }

  private mutating func sort(layer i: Int, by fixed: [Int], _ neighbours: (Item) -> [Int]) {
    let place = Self.places(fixed, count: items.count)
    let keyed = layers[i].enumerated().map { old, item in
      (item: item, old: old, key: Self.median(neighbours(items[item]).map { Double(place[$0]) }) ?? nil)
    }
    // What has no neighbours stays where it is.
    var movable = keyed.filter { $0.key != nil }.sorted { ($0.key ?? 0, $0.old) < ($1.key ?? 0, $1.old) }[...]
    layers[i] = keyed.map { $0.key == nil ? $0.item : movable.removeFirst().item }
  }

  private static func places(_ layer: [Int], count: Int) -> [Int] {
    var places = [Int](repeating: 0, count: count)
    for (place, item) in layer.enumerated() { places[item] = place }
    return places
  }

  static func median(_ numbers: [Double]) -> Double? {
    let sorted = numbers.sorted()
    guard !sorted.isEmpty else { return nil }
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// Pairs in the wrong order, counted with a Fenwick tree.
  private static func inversions(_ sequence: [Int], below limit: Int) -> Int {
    var tree = [Int](repeating: 0, count: limit + 1)
    var count = 0
    for (seen, value) in sequence.enumerated() {
      var (i, notAbove) = (value + 1, 0)
      while i > 0 {
        notAbove += tree[i]
        i -= i & -i
      }
      count += seen - notAbove
      i = value + 1
      while i <= limit {
        tree[i] += 1
        i += i & -i
      }
    }
    return count
  }
}
