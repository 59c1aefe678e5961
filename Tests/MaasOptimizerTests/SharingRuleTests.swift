import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct SharingRuleTests {
  private let shape: [Dim] = [.symbol("n"), .known(6)]
  private let exp = Unary(.exp), neg = Unary(.neg), sum = Binary(.add)

  @Test func nodesThatDoTheSameAreOne() throws {
    var n = Network()
    let x = n.input(shape)
    let (a, b) = (n(neg, n(exp, x)), n(neg, n(exp, x)))
    n.graph.outputs = [n(sum, a, b)]
    try expectFused(
      n.graph, [eliminateCommonSubexpressions], into: ["Exp", "Neg", "Add"], [try n.tensor(3, 6)],
      tolerance: 0)
  }

  @Test func otherOperatorsInputsAndOutputsStay() throws {
    var n = Network()
    let (x, y) = (n.input(shape), n.input(shape))
    let parts = [n(exp, x), n(exp, y), n(Unary(.exp), x), n(sum, x, y), n(sum, y, x)]
    n.graph.outputs = [parts.dropFirst().reduce(parts[0]) { n(Binary(.mul), $0, $1) }]
    try expectUntouched(n.graph, eliminateCommonSubexpressions)
    var named = Network()
    let z = named.input(shape)
    named.graph.outputs = [named(exp, z), named(exp, z)]
    try expectUntouched(named.graph, eliminateCommonSubexpressions)
  }

  @Test func randomNodesStay() throws {
    var n = Network()
    let x = n.input(shape)
    let random = try made(RandomTensor.self, .normalLike)
    n.graph.outputs = [n.add(n(random, x), n(random, x))]
    try expectUntouched(n.graph, eliminateCommonSubexpressions)
  }

  @Test func anOutputThatOnlyTheLaterNodeHasKeepsIt() throws {
    var n = Network()
    let x = n.input([.symbol("n"), .known(6)])
    let top = try made(TopK.self, [], outputs: 2)
    let first = n.graph.add(top, [x, try n.integers(2)], name: "first", outputs: 2)
    let k = try #require(n.graph.nodes[0].inputs[1])
    n.graph.nodes[0].outputs[1] = nil
    let second = n.graph.add(top, [x, k], name: "second", outputs: 2)
    n.graph.outputs = [n.add(n(exp, first[0]), second[0]), n(Cast(to: .float), second[1])]
    try expectUntouched(n.graph, eliminateCommonSubexpressions)
  }

  @Test func equalConstantsAreOne() throws {
    var n = Network()
    let x = n.input(shape)
    let elements = n.floats(36)
    let weights = try (0..<3).map { i in
      n.graph.addConstant("w\(i)", try Tensor(.float, [6, 6], i < 2 ? elements : elements.reversed()))
    }
    let product = MatMul()
    n.graph.outputs = [
      n(sum, n(sum, n(product, x, weights[0]), n(product, x, weights[1])), n(product, x, weights[2]))
    ]
    let rules = [shareConstants, eliminateCommonSubexpressions]
    let (graph, counts) = try applied(rules, n.graph)
    #expect(counts == [1, 1])
    #expect(graph.nodes.map { $0.op.name } == ["MatMul", "Add", "MatMul", "Add"])
    let input = try n.tensor(3, 6)
    #expect(try run(graph, [input]) == run(n.graph, [input]))
  }

  @Test func constantsThatDifferInShapeTypeOrBitsStay() throws {
    var n = Network()
    let x = n.input(shape)
    let zeros = [
      try Tensor(.float, [6], [Float](repeating: 0, count: 6)),
      try Tensor(.float, [1, 6], [Float](repeating: 0, count: 6)),
      try Tensor(.float, [6], [Float](repeating: -0.0, count: 6)),
      try Tensor(.int32, [6], [Int32](repeating: 0, count: 6)),
    ]
    let ids = zeros.map { n.graph.addConstant("c\(n.graph.values.count)", $0) }
    n.graph.outputs = [ids[..<3].reduce(x) { n.add($0, $1) }, n(Cast(to: .float), ids[3])]
    try expectUntouched(n.graph, shareConstants)
  }
}
