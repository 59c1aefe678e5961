import MaasCommand
import Testing

@testable import maas_model

@Suite struct LayeredGraphTests {
  @Test func boxesAreBelowWhatTheyRead() {
    // 0 -> 1 -> 2 -> 3, and 0 -> 3 past two layers.
    let graph = LayeredGraph(boxCount: 4, edges: [(0, 0, 1), (1, 0, 2), (2, 0, 3), (0, 0, 3)])
    #expect(graph.items.prefix(4).map { $0.layer } == [0, 1, 2, 3])
    #expect(graph.paths[3].count == 4)
    #expect(graph.paths[3].dropFirst().dropLast().allSatisfy { graph.items[$0].box == nil })
    #expect(graph.paths[3].map { graph.items[$0].layer } == [0, 1, 2, 3])
  }

  @Test func aBoxThatReadsNothingIsJustAboveItsFirstReader() {
    let graph = LayeredGraph(boxCount: 5, edges: [(0, 0, 1), (1, 0, 2), (2, 0, 4), (3, 0, 4)])
    #expect(graph.items[3].layer == 2)
  }

  @Test func edgesOfOnePortShareTheirBends() {
    let edges = [(0, 0, 1), (1, 0, 2), (2, 0, 3), (0, 0, 2), (0, 0, 3), (0, 1, 3)]
    let graph = LayeredGraph(boxCount: 4, edges: edges)
    // Port 0 bends in layers 1 and 2, port 1 too.
    #expect(graph.items.count - 4 == 4)
  }

  @Test func crossingsAreCountedAsByComparingAllPairs() {
    var generator = Numbers()
    for _ in 0..<50 {
      var edges: [(Int, Int, Int)] = []
      for upper in 0..<6 {
        for lower in 6..<12 where generator.next() % 3 == 0 { edges.append((upper, 0, lower)) }
      }
      let graph = LayeredGraph(boxCount: 12, edges: edges)
      var pairs = 0
      for layer in graph.layers.dropLast().indices {
        let ends = graph.layers[layer].enumerated().flatMap { a, item in
          graph.items[item].below.map { (a, graph.layers[layer + 1].firstIndex(of: $0) ?? 0) }
        }
        for (a, b) in ends { for (c, d) in ends where a < c && b > d { pairs += 1 } }
      }
      #expect(graph.crossings == pairs)
    }
  }

  @Test func crossingsThatNeedNotBeGo() {
    // Two chains whose middles are in the wrong order.
    var graph = LayeredGraph(boxCount: 6, edges: [(0, 0, 3), (1, 0, 2), (2, 0, 5), (3, 0, 4)])
    #expect(graph.crossings > 0)
    graph.reduceCrossings()
    #expect(graph.crossings == 0)
    #expect(graph.layers.map { $0.sorted() } == [[0, 1], [2, 3], [4, 5]])
  }
}

@Suite struct PlacementTests {
  @Test func itemsOfALayerDoNotOverlapAndKeepTheirOrder() {
    var generator = Numbers()
    var edges: [(Int, Int, Int)] = []
    for to in 1..<60 { for _ in 0..<2 { edges.append((Int(generator.next() % UInt64(to)), 0, to)) } }
    var graph = LayeredGraph(boxCount: 60, edges: edges)
    graph.reduceCrossings()
    let widths = graph.items.map { item in item.box.map { Double(20 + $0 * 7 % 90) } ?? 6 }
    let places = Placement(graph, widths: widths, heights: graph.layers.map { _ in 30 }, layerGap: 40)
    for layer in graph.layers {
      for (a, b) in zip(layer, layer.dropFirst()) {
        #expect(places.x[b] - places.x[a] >= (widths[a] + widths[b]) / 2)
      }
    }
    for i in widths.indices { #expect(places.x[i] >= widths[i] / 2 - 0.001) }
    #expect(places.height == Double(graph.layers.count) * 70 - 40)
  }

  @Test func aChainIsStraight() {
    let graph = LayeredGraph(boxCount: 5, edges: (0..<4).map { ($0, 0, $0 + 1) })
    let places = Placement(graph, widths: [10, 200, 30, 80, 10], heights: [1, 1, 1, 1, 1], layerGap: 10)
    #expect(Set(places.x) == [100])
  }
}

@Suite struct MarkupTests {
  @Test func textsOfAModelAreNeverMarkup() {
    #expect(escaped("a<b>&\"c\"\u{1}") == "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}")
    #expect(JSON.string("</script>\"\\\n\u{1}").text == "\"\\u003c/script>\\\"\\\\\\n\\u0001\"")
  }

  @Test func longTextsAreCutInTheMiddle() {
    #expect(shortened("short") == "short")
    #expect(
      shortened(String(repeating: "a", count: 30) + String(repeating: "b", count: 30), to: 10) == "aaaaa…bbbb"
    )
  }
}

/// Knuth's multiplier: the same numbers in every run.
private struct Numbers {
  private var state: UInt64 = 1

  mutating func next() -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return state >> 33
  }
}
