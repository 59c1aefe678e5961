import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct ActivationRuleTests {
  private let shape: [Dim] = [.symbol("n"), .known(7)]

  private func check(
    _ rule: Rule, into name: String, _ body: (inout Network, ValueID) throws -> ValueID
  ) throws {
    var network = Network()
    let x = network.input(shape)
    network.graph.outputs = [try body(&network, x)]
    try expectFused(network.graph, [rule], into: [name], [try network.tensor(3, 7)])
  }

  private func checkUntouched(_ rule: Rule, _ body: (inout Network, ValueID) throws -> ValueID) throws {
    var network = Network()
    let x = network.input(shape)
    network.graph.outputs = [try body(&network, x)]
    try expectUntouched(network.graph, rule)
  }

  /// 1 + erf(x / divisor)
  private func gate(_ n: inout Network, _ x: ValueID, divisor: Float = 1.4142135) throws -> ValueID {
    let erf = n(Unary(.erf), n.div(x, try n.number(divisor)))
    return n.add(erf, try n.number(1))
  }

  @Test func geluAsTorchWritesIt() throws {
    try check(fuseGelu, into: "Gelu") { n, x in
      n.mul(n.mul(x, try gate(&n, x)), try n.number(0.5))
    }
  }

  @Test func geluAsKerasWritesIt() throws {
    try check(fuseGelu, into: "Gelu") { n, x in
      let half = n.mul(try n.number(0.5), x)
      let erf = n(Unary(.erf), n.mul(x, try n.number(0.70710678)))
      return n.mul(half, n.add(try n.number(1), erf))
    }
  }

  @Test func geluOfTanh() throws {
    try check(fuseGelu, into: "Gelu") { n, x in
      let cube = n.mul(n(try made(Pow.self), x, try n.number(3)), try n.number(0.044715))
      let inner = n.mul(n.add(x, cube), try n.number(0.7978845608))
      return n.mul(n.mul(x, try n.number(0.5)), n.add(n(Unary(.tanh), inner), try n.number(1)))
    }
    try check(fuseGelu, into: "Gelu") { n, x in
      let square = n.mul(n.mul(x, try n.number(0.044715)), x)
      let inner = n.mul(n.mul(x, try n.number(0.7978845608)), n.add(try n.number(1), square))
      return n.mul(n.mul(x, n.add(try n.number(1), n(Unary(.tanh), inner))), try n.number(0.5))
    }
  }

  @Test func otherNumbersAreNoGelu() throws {
    try checkUntouched(fuseGelu) { n, x in n.mul(n.mul(x, try gate(&n, x, divisor: 1.5)), try n.number(0.5)) }
    try checkUntouched(fuseGelu) { n, x in n.mul(n.mul(x, try gate(&n, x)), try n.number(0.75)) }
    try checkUntouched(fuseGelu) { n, x in
      let other = n(Unary(.exp), x)
      return n.mul(n.mul(other, try gate(&n, x)), try n.number(0.5))
    }
  }

  @Test func swishes() throws {
    try check(fuseSwish, into: "Swish") { n, x in n.mul(x, n(Unary(.sigmoid), x)) }
    try check(fuseSwish, into: "Swish") { n, x in
      n.mul(n(Unary(.sigmoid), n.mul(try n.number(1.702), x)), x)
    }
    try check(fuseSwish, into: "Mish") { n, x in n.mul(x, n(Unary(.tanh), n(Unary(.softplus), x))) }
    try check(fuseSwish, into: "HardSwish") { n, x in
      n.mul(x, n(Unary(.hardSigmoid, alpha: 1.0 / 6, beta: 0.5), x))
    }
    try check(fuseSwish, into: "HardSwish") { n, x in
      let clip = n(try made(Clip.self), n.add(x, try n.number(3)), try n.number(0), try n.number(6))
      return n.div(n.mul(x, clip), try n.number(6))
    }
  }

  @Test func otherGatesStay() throws {
    try checkUntouched(fuseSwish) { n, x in n.mul(x, n(Unary(.sigmoid), n(Unary(.exp), x))) }
    try checkUntouched(fuseSwish) { n, x in n.mul(x, n(Unary(.hardSigmoid, alpha: 0.2, beta: 0.5), x)) }
    try checkUntouched(fuseSwish) { n, x in
      let clip = n(try made(Clip.self), n.add(x, try n.number(3)), try n.number(0), try n.number(5))
      return n.div(n.mul(x, clip), try n.number(6))
    }
  }
}
