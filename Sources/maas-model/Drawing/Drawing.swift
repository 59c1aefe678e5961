import MaasGraph

/// A diagram with a place for every box and a line for every edge.
struct Drawing {
  struct Point {
    let x: Double
    let y: Double
  }

  struct Frame {
    let x: Double
    let y: Double
    let width: Double
    let height: Double
  }

  let diagram: Diagram
  /// By box.
  private(set) var frames: [Frame] = []
  /// By edge: from a port down through bends to a box. Between the points of a pair the line is straight.
  private(set) var lines: [[Point]] = []
  let width: Double
  let height: Double

  /// Glyphs of a fixed-width font at these sizes are this wide.
  static let (titleSize, lineSize, labelSize) = (13.0, 10.0, 10.0)
  static func textWidth(_ text: String, _ size: Double) -> Double { Double(text.count) * size * 0.602 }
  static let lineHeight = 13.0
  private static let (padding, bendWidth, layerGap) = (10.0, 6.0, 46.0)

  init(_ diagram: Diagram) {
    self.diagram = diagram
    var graph = LayeredGraph(
      boxCount: diagram.boxes.count, edges: diagram.edges.map { ($0.from, $0.port, $0.to) })
    graph.reduceCrossings()
    let sizes = diagram.boxes.map(Self.size)
    let widths = graph.items.map { item in item.box.map { sizes[$0].width } ?? Self.bendWidth }
    let heights = graph.layers.map { layer in
      layer.compactMap { graph.items[$0].box }.map { sizes[$0].height }.max() ?? 0
    }
    let places = Placement(graph, widths: widths, heights: heights, layerGap: Self.layerGap)
    (width, height) = (places.width, places.height)
    for (i, size) in sizes.enumerated() {
      let top = places.top[graph.items[i].layer]
      frames.append(Frame(x: places.x[i] - size.width / 2, y: top, width: size.width, height: size.height))
    }
    drawLines(graph, places)
  }

  private static func size(_ box: Diagram.Box) -> (width: Double, height: Double) {
    let labels = box.ports.reduce(0) { $0 + textWidth($1.label, labelSize) + padding }
    let texts = box.lines.map { textWidth($0, lineSize) } + [textWidth(shortened(box.title), titleSize)]
    let width = max(labels, (texts.max() ?? 0) + 2 * padding)
    return (width, 26 + Double(box.lines.count) * lineHeight)
  }

  /// Where a value leaves its box: the lower edge is shared out by the widths of the labels.
  func port(_ port: Int, of box: Int) -> Point {
    let (ports, frame) = (diagram.boxes[box].ports, frames[box])
    let widths = ports.map { Self.textWidth($0.label, Self.labelSize) + Self.padding }
    let (before, whole) = (widths.prefix(port).reduce(0, +), widths.reduce(0, +))
    let share = whole > 0 ? (before + widths[port] / 2) / whole : 0.5
    return Point(x: frame.x + frame.width * share, y: frame.y + frame.height)
  }

  private mutating func drawLines(_ graph: LayeredGraph, _ places: Placement) {
    let entries = entryPoints(graph, places)
    for (edge, path) in zip(diagram.edges.indices, graph.paths) {
      var line = [port(diagram.edges[edge].port, of: diagram.edges[edge].from)]
      for bend in path.dropFirst().dropLast() {
        let layer = graph.items[bend].layer
        line.append(Point(x: places.x[bend], y: places.top[layer]))
        line.append(Point(x: places.x[bend], y: places.top[layer] + places.heights[layer]))
      }
      line.append(entries[edge])
      lines.append(line)
    }
  }

  /// Where edges end, at the upper edges of boxes: from left to right as they come.
  private func entryPoints(_ graph: LayeredGraph, _ places: Placement) -> [Point] {
    var points = [Point](repeating: Point(x: 0, y: 0), count: graph.paths.count)
    let incoming = Dictionary(grouping: graph.paths.indices) { graph.paths[$0].last ?? 0 }
    for (box, edges) in incoming {
      let sorted = edges.sorted {
        places.x[graph.paths[$0].dropLast().last ?? 0] < places.x[graph.paths[$1].dropLast().last ?? 0]
      }
      for (i, edge) in sorted.enumerated() {
        let share = Double(i + 1) / Double(sorted.count + 1)
        points[edge] = Point(x: frames[box].x + frames[box].width * share, y: frames[box].y)
      }
    }
    return points
  }
}
