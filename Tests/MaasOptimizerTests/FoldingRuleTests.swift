import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct FoldingRuleTests {
  private let rows: [Dim] = [.symbol("n"), .known(4)]
  private let images: [Dim] = [.symbol("n"), .known(4), .symbol("h"), .known(7)]

  private func positive(_ n: inout Network, _ shape: Int...) throws -> ValueID {
    let elements = n.floats(shape.reduce(1, *)).map { 1.5 + $0 }
    return n.graph.addConstant("p\(n.graph.values.count)", try Tensor(.float, shape, elements))
  }

  private func normalised(_ n: inout Network, _ x: ValueID, _ channels: Int) throws -> ValueID {
    let parts = [
      try n.weight(channels), try n.weight(channels), try n.weight(channels), try positive(&n, channels),
    ]
    return n.graph.add(try made(BatchNormalization.self), [x] + parts, name: "normal")[0]
  }

  private func conv(_ n: inout Network, _ x: ValueID, _ weights: Int..., attributes: [Attribute] = []) throws
    -> ValueID
  {
    let w = n.graph.addConstant(
      "w\(n.graph.values.count)", try Tensor(.float, weights, n.floats(weights.reduce(1, *))))
    return n(try made(Conv.self, attributes), x, w, try n.weight(weights[0]))
  }

  @Test func normalisationMovesIntoProductsAndTransposedConvolutions() throws {
    var n = Network()
    let x = n.input(rows)
    n.graph.outputs = [try normalised(&n, n.product(x, try n.weight(4, 3)), 3)]
    try expectFused(n.graph, [foldBatchNormalization], into: ["MatMul"], [try n.tensor(5, 4)])
    var g = Network()
    let y = g.input(rows)
    let gemm = g(try made(Gemm.self, [Attribute("transB", .int(1))]), y, try g.weight(3, 4), try g.weight(3))
    g.graph.outputs = [try normalised(&g, gemm, 3)]
    try expectFused(g.graph, [foldBatchNormalization], into: ["Gemm"], [try g.tensor(5, 4)])
    var t = Network()
    let z = t.input(images)
    let spread = t(try made(ConvTranspose.self), z, try t.weight(4, 3, 2, 2), try t.weight(3))
    t.graph.outputs = [try normalised(&t, spread, 3)]
    try expectFused(t.graph, [foldBatchNormalization], into: ["ConvTranspose"], [try t.tensor(2, 4, 5, 7)])
  }

  @Test func normalisationOfOtherDimensionsStays() throws {
    var n = Network()
    let x = n.input([.symbol("n"), .known(3), .known(4)])
    n.graph.outputs = [try normalised(&n, n.product(x, try n.weight(4, 3)), 3)]
    try expectUntouched(n.graph, foldBatchNormalization)
    var g = Network()
    let y = g.input(images)
    let spread = g(try made(ConvTranspose.self, [Attribute("group", .int(2))]), y, try g.weight(4, 3, 2, 2))
    g.graph.outputs = [try normalised(&g, spread, 6)]
    try expectUntouched(g.graph, foldBatchNormalization)
  }

  @Test func scalesBehindMoveIntoWeightsAndBias() throws {
    var n = Network()
    let x = n.input(rows)
    var y = n(try made(Gemm.self), x, try n.weight(4, 3), try n.weight(1, 3))
    y = n.mul(try n.weight(3), n.div(y, try n.number(1.75)))
    n.graph.outputs = [n.add(n.sub(y, try n.weight(1, 3)), try n.number(0.5))]
    try expectFused(n.graph, [foldScale], into: ["Gemm"], [try n.tensor(5, 4)])
    var c = Network()
    let z = c.input(images)
    c.graph.outputs = [c.mul(try conv(&c, z, 3, 4, 2, 2), try c.weight(1, 3, 1, 1))]
    try expectFused(c.graph, [foldScale], into: ["Conv"], [try c.tensor(2, 4, 5, 7)])
  }

  @Test func scalesInFrontMoveIntoWeights() throws {
    var n = Network()
    let x = n.input([.symbol("n"), .symbol("m"), .known(4)])
    n.graph.outputs = [n.product(n.mul(n.div(x, try n.number(3)), try n.weight(4)), try n.weight(4, 3))]
    try expectFused(n.graph, [foldScale, foldScale], into: ["MatMul"], [try n.tensor(2, 5, 4)])
    var c = Network()
    let z = c.input(images)
    c.graph.outputs = [
      try conv(&c, c.mul(try c.weight(4, 1, 1), z), 3, 4, 2, 2, attributes: [pads(1, 1, 1, 1)])
    ]
    try expectFused(c.graph, [foldScale], into: ["Conv"], [try c.tensor(2, 4, 5, 7)])
  }

  @Test func otherFactorsStay() throws {
    var n = Network()
    let x = n.input(rows)
    let w = try n.weight(4, 3)
    let scaled = n.mul(n.product(x, w), try n.weight(1, 1, 3))
    let inverse = n.div(try n.weight(3), n.product(x, w))
    let shared = n.product(x, w)
    let fused = n.mul(n(MatMul(activation: Unary(.relu).activation), x, w), try n.weight(3))
    n.graph.outputs = [scaled, inverse, n.mul(shared, try n.number(2)), n(Unary(.neg), shared), fused]
    try expectUntouched(n.graph, foldScale)
    var grown = Network()
    let y = grown.input([.symbol("n"), .known(1)])
    grown.graph.outputs = [grown.product(grown.mul(y, try grown.weight(4)), try grown.weight(4, 3))]
    try expectUntouched(grown.graph, foldScale)
  }

  /// Folding would leave a copy of the weights for each of those that read them.
  @Test func weightsThatOthersReadStay() throws {
    var n = Network()
    let (x, w) = (n.input(rows), try n.weight(4, 3))
    let (a, b) = (n.product(x, w), n.product(n(Unary(.exp), x), w))
    n.graph.outputs = [n.mul(a, try n.weight(3)), n.mul(b, try n.weight(3))]
    try expectUntouched(n.graph, foldScale)
    var m = Network()
    let (y, v) = (m.input(rows), try m.weight(4, 3))
    m.graph.outputs = [try normalised(&m, m.product(y, v), 3), m.product(m(Unary(.exp), y), v)]
    try expectUntouched(m.graph, foldBatchNormalization)
  }

  private func pads(_ pads: Int...) -> Attribute { Attribute("pads", .ints(pads)) }

  private func padded(_ n: inout Network, _ x: ValueID, _ pads: Int..., by number: Float?) throws -> ValueID {
    let list = n.graph.addConstant("pads", try Tensor(.int64, [pads.count], pads.map { Int64($0) }))
    return n(try made(Pad.self), x, list, try number.map { try n.number($0) })
  }

  private func pool(_ row: Pool.Row, _ attributes: Attribute...) throws -> any Operator {
    try made(Pool.self, row, [Attribute("kernel_shape", .ints([2, 3]))] + attributes)
  }

  @Test func zerosAroundImagesBecomePadding() throws {
    var n = Network()
    let x = n.input(images)
    let y = try padded(&n, x, 0, 0, 1, 2, 0, 0, 3, 0, by: 0)
    n.graph.outputs = [try conv(&n, y, 3, 4, 2, 2, attributes: [pads(1, 0, 0, 1)])]
    try expectFused(n.graph, [foldPad], into: ["Conv"], [try n.tensor(2, 4, 5, 7)])
    var a = Network()
    let z = a.input(images)
    a.graph.outputs = [a(try pool(.average), try padded(&a, z, 0, 0, 1, 1, 0, 0, 1, 1, by: nil))]
    try expectFused(a.graph, [foldPad], into: ["AveragePool"], [try a.tensor(2, 4, 5, 7)])
    var m = Network()
    let u = m.input(images)
    m.graph.outputs = [
      m(try pool(.max, pads(0, 1, 0, 1)), try padded(&m, u, 0, 0, 1, 1, 0, 0, 0, 1, by: -.infinity))
    ]
    try expectFused(m.graph, [foldPad], into: ["MaxPool"], [try m.tensor(2, 4, 5, 7)], tolerance: 0)
  }

  @Test func otherPaddingStays() throws {
    func check(_ body: (inout Network, ValueID) throws -> ValueID) throws {
      var n = Network()
      let x = n.input(images)
      n.graph.outputs = [try body(&n, x)]
      try expectUntouched(n.graph, foldPad)
    }
    try check { n, x in try conv(&n, try padded(&n, x, 0, 0, 1, 1, 0, 0, 1, 1, by: 1), 3, 4, 2, 2) }
    try check { n, x in try conv(&n, try padded(&n, x, 0, 1, 0, 0, 0, 0, 0, 0, by: 0), 3, 5, 2, 2) }
    try check { n, x in try conv(&n, try padded(&n, x, 0, 0, -1, 0, 0, 0, 0, 0, by: 0), 3, 4, 2, 2) }
    try check { n, x in
      let same = Attribute("auto_pad", .string("SAME_UPPER"))
      return try conv(&n, try padded(&n, x, 0, 0, 1, 1, 0, 0, 1, 1, by: 0), 3, 4, 2, 2, attributes: [same])
    }
    try check { n, x in n(try pool(.max), try padded(&n, x, 0, 0, 1, 1, 0, 0, 1, 1, by: 0)) }
    try check { n, x in
      n(try pool(.average, pads(1, 0, 0, 0)), try padded(&n, x, 0, 0, 1, 1, 0, 0, 1, 1, by: 0))
    }
    try check { n, x in
      n(try pool(.average, Attribute("ceil_mode", .int(1))), try padded(&n, x, 0, 0, 1, 1, 0, 0, 1, 1, by: 0))
    }
  }
}
