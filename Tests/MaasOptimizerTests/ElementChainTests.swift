import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct ElementChainTests {
  private let shape: [Dim] = [.symbol("n"), .known(3), .known(5)]

  @Test func operandsOfEveryShape() throws {
    var n = Network()
    let (x, z) = (n.input(shape), n.input(shape))
    var y = n.mul(try n.number(2), x)
    y = n.add(try n.weight(5), y)
    y = n(Unary(.tanh), y)
    y = n.sub(z, y)
    y = n.div(y, n.add(n(Unary(.abs), try n.weight(3, 1)), try n.number(1)))
    n.graph.outputs = [n(Unary(.neg), y)]
    let rules = [foldConstants, fuseElementwise]
    try expectFused(
      n.graph, rules, into: ["ElementChain"], [try n.tensor(700, 3, 5), try n.tensor(700, 3, 5)])
  }

  /// Only so many functions fit in one node; the next ones begin another.
  @Test func longChainsAreSeveral() throws {
    var n = Network()
    var y = n.input(shape)
    for i in 0..<11 { y = n.add(y, try n.number(Float(i))) }
    n.graph.outputs = [y]
    try expectFused(
      n.graph, [fuseElementwise], into: ["ElementChain", "ElementChain"], [try n.tensor(2, 3, 5)])
  }

  /// The input is read again by a later link, so its memory must not become the result's.
  @Test func anInputThatIsReadTwiceIsNotWrittenOver() throws {
    var n = Network()
    let x = n(Cast(to: .float), n.input(shape, .double))
    n.graph.outputs = [n.mul(n.add(n(Unary(.exp), x), try n.number(1)), x)]
    let doubles = try Tensor(.double, [2, 3, 5], (0..<30).map { Double($0) / 7 - 2 })
    try expectFused(n.graph, [fuseElementwise], into: ["Cast", "ElementChain"], [doubles])
  }

  @Test func aValueThatOthersReadEndsTheChain() throws {
    var n = Network()
    let x = n.input(shape)
    let y = n(Unary(.exp), x)
    n.graph.outputs = [n(Unary(.neg), y), y]
    try expectUntouched(n.graph, fuseElementwise)
  }

  @Test func aResultThatGrowsEndsTheChain() throws {
    var n = Network()
    let x = n.input([.known(1), .known(5)])
    n.graph.outputs = [n.add(n(Unary(.exp), x), n.input([.symbol("n"), .known(5)]))]
    try expectUntouched(n.graph, fuseElementwise)
  }

  @Test func otherTypesStay() throws {
    var n = Network()
    let x = n.input(shape, .double)
    n.graph.outputs = [n(Unary(.neg), n(Unary(.exp), x))]
    try expectUntouched(n.graph, fuseElementwise)
  }
}
