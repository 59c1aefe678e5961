import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct NormalizationRuleTests {
  private func mean(_ n: inout Network, _ x: ValueID, axis: Int = -1) throws -> ValueID {
    n(try made(Reduce.self, .mean, [Attribute("axes", .ints([axis]))]), x)
  }

  private func root(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    n(Unary(.sqrt), n.add(x, try n.number(1e-5)))
  }

  /// As exporters write it before opset 17; the difference from the mean once or twice.
  private func normalized(
    _ n: inout Network, _ x: ValueID, twice: Bool = false, axis: Int = -1
  ) throws -> ValueID {
    let mean = try mean(&n, x, axis: axis)
    let centred = n.sub(x, mean)
    let again = twice ? n.sub(x, mean) : centred
    let square = n(try made(Pow.self), again, try n.number(2))
    return n.div(centred, try root(&n, try self.mean(&n, square, axis: axis)))
  }

  private func check(
    into names: [String], _ body: (inout Network, ValueID) throws -> ValueID
  ) throws {
    var network = Network()
    let x = network.input([.symbol("n"), .symbol("m"), .known(9)])
    network.graph.outputs = [try body(&network, x)]
    try expectFused(
      network.graph, [fuseNormalization], into: names, [try network.tensor(2, 3, 9)], tolerance: 1e-5)
  }

  @Test(arguments: [false, true]) func layerNormalizationWithScaleAndShift(twice: Bool) throws {
    try check(into: ["LayerNormalization"]) { n, x in
      let y = try normalized(&n, x, twice: twice)
      return n.add(try n.weight(9), n.mul(y, try n.weight(9)))
    }
  }

  @Test func aScaleThatDependsOnTheRowStays() throws {
    try check(into: ["LayerNormalization", "Mul"]) { n, x in
      n.mul(try normalized(&n, x), try n.weight(3, 1))
    }
  }

  @Test func rootMeanSquare() throws {
    try check(into: ["RMSNormalization"]) { n, x in
      let square = n(try made(Pow.self), x, try n.number(2))
      let inverse = n.div(try n.number(1), try root(&n, try mean(&n, square)))
      return n.mul(try n.weight(9), n.mul(x, inverse))
    }
    try check(into: ["RMSNormalization", "Add"]) { n, x in
      let inverse = n(Unary(.reciprocal), try root(&n, try mean(&n, n.mul(x, x))))
      return n.add(n.mul(x, inverse), try n.weight(9))
    }
  }

  @Test func otherAxesStay() throws {
    var network = Network()
    let x = network.input([.symbol("n"), .known(3), .known(9)])
    network.graph.outputs = [try normalized(&network, x, axis: 1)]
    try expectUntouched(network.graph, fuseNormalization)
  }

  @Test func aDeviationFromSomethingElseStays() throws {
    var network = Network()
    let x = network.input([.symbol("n"), .known(9)])
    let other = network.input([.symbol("n"), .known(9)])
    let centred = network.sub(x, try mean(&network, other))
    let spread = try mean(&network, network.mul(other, other))
    network.graph.outputs = [network.div(centred, try root(&network, spread))]
    try expectUntouched(network.graph, fuseNormalization)
  }
}
