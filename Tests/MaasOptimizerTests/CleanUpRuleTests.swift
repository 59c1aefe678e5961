import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct CleanUpRuleTests {
  private let dims: [Dim] = [.symbol("n"), .symbol("m"), .known(6)]

  private func shapeOf(_ n: inout Network, _ x: ValueID, _ i: Int) throws -> ValueID {
    let dim = n(try made(Gather.self), n(try made(ShapeOf.self), x), try n.index(i))
    return n(try made(Unsqueeze.self), dim, try n.integers(0))
  }

  @Test func aComputedTargetOfAReshapeBecomesConstant() throws {
    var n = Network()
    let x = n.input(dims)
    let parts = [try shapeOf(&n, x, 0), try shapeOf(&n, x, 1), try n.integers(2), try n.integers(3)]
    let target = n.graph.add(try made(Concat.self, [Attribute("axis", .int(0))]), parts, name: "target")[0]
    n.graph.outputs = [n(Unary(.neg), n.reshaped(x, target))]
    let (graph, _) = try applied([simplifyReshape], n.graph)
    #expect(graph.nodes.map { $0.op.name } == ["Reshape", "Neg"])
    let constant = try #require(graph.nodes[0].inputs[1].flatMap { graph[$0].constant })
    #expect(constant.integers == [0, 0, 2, 3])
    let x0 = try n.tensor(2, 2, 6)
    #expect(try run(graph, [x0]) == run(n.graph, [x0]))
  }

  @Test func aTargetOfAnotherTensorsShapeStays() throws {
    var n = Network()
    let x = n.input(dims)
    let other = n.input([.symbol("a"), .symbol("b")])
    n.graph.outputs = [n(Unary(.neg), n.reshaped(x, n(try made(ShapeOf.self), other)))]
    try expectUntouched(n.graph, simplifyReshape)
  }

  @Test func aReshapeOfAReshapeIsOne() throws {
    var n = Network()
    let x = n.input(dims)
    let flat = n.reshaped(x, try n.integers(-1, 2))
    n.graph.outputs = [n(Unary(.neg), n.reshaped(flat, try n.integers(-1, 3)))]
    try expectFused(
      n.graph, [simplifyReshape], into: ["Reshape", "Neg"], [try n.tensor(2, 2, 6)], tolerance: 0)
    var kept = Network()
    let y = kept.input(dims)
    let rows = kept.reshaped(y, try kept.integers(-1, 2))
    kept.graph.outputs = [kept(Unary(.neg), kept.reshaped(rows, try kept.integers(0, 1, 2)))]
    try expectUntouched(kept.graph, simplifyReshape)
  }

  @Test func transpositionsMerge() throws {
    var n = Network()
    let x = n.input(dims)
    n.graph.outputs = [n(Unary(.neg), n.transposed(n.transposed(x, 1, 2, 0), 1, 2, 0))]
    try expectFused(
      n.graph, [mergeTransposes], into: ["Transpose", "Neg"], [try n.tensor(2, 3, 6)], tolerance: 0)
    var back = Network()
    let y = back.input(dims)
    back.graph.outputs = [back(Unary(.neg), back.transposed(back.transposed(y, 1, 2, 0), 2, 0, 1))]
    let rules = [mergeTransposes, eliminateNoOps, eliminateDeadNodes]
    try expectFused(back.graph, rules, into: ["Neg"], [try back.tensor(2, 3, 6)], tolerance: 0)
  }

  @Test func transpositionsOfSomethingElseStay() throws {
    var n = Network()
    let inner = n(Unary(.neg), n.transposed(n.input(dims), 1, 2, 0))
    n.graph.outputs = [n.transposed(inner, 1, 2, 0)]
    try expectUntouched(n.graph, mergeTransposes)
  }

  @Test func anIdentityThatNamesAnOutputStays() throws {
    var n = Network()
    n.graph.outputs = [n(try made(Identity.self), n(Unary(.neg), n.input(dims)))]
    try expectUntouched(n.graph, eliminateIdentity)
  }

  @Test func aNodeOfWhichOneOutputIsReadStays() throws {
    var n = Network()
    let parts = n.graph.add(
      try made(DynamicQuantizeLinear.self), [n.input(dims)], name: "parts", outputs: 3)
    n.graph.outputs = [n(Unary(.neg), parts[1])]
    try expectUntouched(n.graph, eliminateDeadNodes)
  }

  @Test func aSliceIsTakenBeforeTransposing() throws {
    let rules = [sliceBeforeTransposing, eliminateDeadNodes]
    for axis in [1, -2] {
      var n = Network()
      let last = n.graph.addConstant("last", try Tensor(.int64, [], [-1] as [Int64]))
      n.graph.outputs = [n(Gather(axis: axis), n.transposed(n.input(dims), 1, 0, 2), last)]
      try expectFused(n.graph, rules, into: ["Gather"], [try n.tensor(2, 3, 6)], tolerance: 0)
    }
  }

  @Test func slicesOfOtherOrdersStay() throws {
    var n = Network()
    let last = n.graph.addConstant("last", try Tensor(.int64, [], [1] as [Int64]))
    n.graph.outputs = [n(Gather(axis: 0), n.transposed(n.input(dims), 1, 2, 0), last)]
    try expectUntouched(n.graph, sliceBeforeTransposing)
    var several = Network()
    let two = several.graph.addConstant("two", try Tensor(.int64, [2], [1, 0] as [Int64]))
    several.graph.outputs = [several(Gather(axis: 1), several.transposed(several.input(dims), 1, 0, 2), two)]
    try expectUntouched(several.graph, sliceBeforeTransposing)
  }

  @Test func nodesThatDoNothingGo() throws {
    var n = Network()
    let x = n.input(dims)
    var y = n(Cast(to: .float), x)
    y = n.mul(try n.number(1), y)
    y = n.sub(y, try n.number(0))
    y = n(try made(Expand.self), y, try n.integers(1, 1, 6))
    y = n(try made(SliceOperator.self), y, try n.integers(0), try n.integers(.max), try n.integers(1))
    y = n(try made(Concat.self, [Attribute("axis", .int(0))]), y)
    n.graph.outputs = [n(Unary(.neg), n.transposed(y, 0, 1, 2))]
    try expectFused(
      n.graph, [eliminateNoOps, eliminateDeadNodes], into: ["Neg"], [try n.tensor(2, 3, 6)], tolerance: 0)
  }

  @Test func nodesThatDoSomethingStay() throws {
    var n = Network()
    let x = n.input([.known(1), .known(4)])
    let turned = n(
      try made(SliceOperator.self), x, try n.integers(-1), try n.integers(.min), try n.integers(1),
      try n.integers(-1))
    let grown = n.mul(turned, n.graph.addConstant("ones", try Tensor(.float, [2, 1], [1, 1] as [Float])))
    let swapped = n.transposed(grown, 1, 0)
    n.graph.outputs = [n(Cast(to: .double), n.add(swapped, try n.number(0)))]
    try expectUntouched(n.graph, eliminateNoOps)
  }

  @Test func aGemmBetweenReshapesIsAProduct() throws {
    var n = Network()
    let x = n.input(dims)
    let flat = n.reshaped(x, try n.integers(-1, 6))
    let y = n(try made(Gemm.self), flat, try n.weight(6, 5), try n.weight(5))
    n.graph.outputs = [n.add(n.reshaped(y, try target(&n, x)), try n.number(1))]
    try expectFused(
      n.graph, [simplifyReshape, unfoldGemm], into: ["MatMul", "Add"], [try n.tensor(2, 3, 6)])
  }

  private func target(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    let parts = [try shapeOf(&n, x, 0), try shapeOf(&n, x, 1), try n.integers(5)]
    return n.graph.add(try made(Concat.self, [Attribute("axis", .int(0))]), parts, name: "target")[0]
  }

  @Test func aGemmToOtherRowsStays() throws {
    var n = Network()
    let x = n.input(dims)
    let y = n(try made(Gemm.self), n.reshaped(x, try n.integers(-1, 6)), try n.weight(6, 5), try n.weight(5))
    n.graph.outputs = [n(Unary(.neg), n.reshaped(y, try n.integers(-1, 1, 5)))]
    try expectUntouched(n.graph, unfoldGemm)
    var turned = Network()
    let z = turned.input(dims)
    let gemm = try made(Gemm.self, [Attribute("transB", .int(1))])
    let product = turned(gemm, turned.reshaped(z, try turned.integers(-1, 6)), try turned.weight(5, 6))
    let back = turned.reshaped(product, try target(&turned, z))
    turned.graph.outputs = [turned(Unary(.neg), back)]
    let simple = try applied([simplifyReshape], turned.graph).graph
    try expectUntouched(simple, unfoldGemm)
  }

  @Test func aResidualJoinsItsProduct() throws {
    var n = Network()
    let x = n.input(dims)
    n.graph.outputs = [n.add(x, n.product(x, try n.weight(6, 6)))]
    try expectFused(n.graph, [fuseResidual], into: ["MatMul"], [try n.tensor(2, 3, 6)])
    var row = Network()
    let y = row.input(dims)
    row.graph.outputs = [
      row.add(row.product(y, try row.weight(6, 6)), row.input([.known(1), .symbol("m"), .known(6)]))
    ]
    try expectUntouched(row.graph, fuseResidual)
  }
}
