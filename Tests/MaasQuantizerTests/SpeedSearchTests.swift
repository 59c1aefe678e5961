import MaasCore
import MaasGraph
import Testing

@testable import MaasQuantizer

@Suite struct SpeedSearchTests {
  /// A product for each of `times`, which are what its precisions are said to take.
  private func choices(_ times: [[Times?]]) throws -> [LayerChoice] {
    var graph = Graph("products")
    let x = graph.addInput("x", .float, Shape([1, 16]))
    var rewriter = GraphRewriter(graph, opset: 17)
    let w = rewriter.constant("w", try Tensor(.float, [16, 16], noise(256)))
    for i in times.indices { _ = try rewriter.add("MatMul", [x, w], "product\(i)") }
    var options = QuantizationOptions()
    options.mode = .weights
    let layers = LayerList(try rewriter.finished(), options).layers
    return try zip(layers, times).map { layer, times in
      let weights = QuantizedWeights.blocks(try BlockWeights(try Filters(layer), options))
      return LayerChoice(
        layer, times.map { Precision(bits: 8, weights: weights, error: LayerError(), time: $0) })
    }
  }

  @Test func fasterPrecisionsAreKept() throws {
    var choices = try choices([[(2, 3), (2, 2)], [(2, 3), (2, 1)], [(5, 4), (5, 6)], [nil]])
    for i in choices.indices { choices[i].keepOnlyFaster() }
    #expect(choices.map { $0.chosen } == [nil, 1, 0, 0])
    #expect(choices.map { $0.reason } == ["not faster on this machine", "", "", ""])
    #expect(choices[2].better == nil)
  }

  /// Gains of 3, 1, 2 and, of a layer that was not timed, 0; only one layer alone makes the whole faster.
  @Test func theLeastGainsAreGivenBack() throws {
    var choices = try choices([[(9, 6)], [(4, 3)], [(5, 3)], [nil]])
    var tried: [[Bool]] = []
    try choices.giveBack { choices in
      tried.append(choices.map { $0.chosen != nil })
      return choices.count { $0.chosen != nil } == 1 ? nil : "the whole model was not faster with it"
    }
    let all = [true, true, true, true]
    #expect(
      tried == [all, [true, true, true, false], [true, false, true, false], [true, false, false, false]])
    let why = "the whole model was not faster with it"
    #expect(choices.map { $0.reason } == ["", why, why, why])
    #expect(choices.map { $0.chosen } == [0, nil, nil, nil])
  }

  @Test func nothingIsGivenBackFromWhatIsFaster() throws {
    var choices = try choices([[(9, 6)], [(4, 3)]])
    try choices.giveBack { _ in nil }
    #expect(choices.map { $0.chosen } == [0, 0])
    #expect(choices.map { $0.reason } == ["", ""])
  }

  /// All go in the end, in no more than eight trials; layers that are float already keep their reason.
  @Test(arguments: [1, 2, 8, 9, 30]) func trialsAreFew(count: Int) throws {
    var choices = try choices((0...count).map { [(Double($0 + 2), 1)] })
    (choices[0].chosen, choices[0].reason) = (nil, "over the error budget")
    var left: [Int] = []
    try choices.giveBack { choices in
      left.append(choices.count { $0.chosen != nil })
      return "slow"
    }
    #expect(left.count <= 8 && left.first == count)
    #expect(left == left.sorted(by: >) && Set(left).count == left.count)
    #expect(choices.allSatisfy { $0.chosen == nil })
    #expect(choices[0].reason == "over the error budget")
  }
}
