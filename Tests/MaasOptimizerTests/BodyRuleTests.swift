import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct BodyRuleTests {
  private let rows: [Dim] = [.symbol("n"), .known(4)]

  private func make(_ type: any ReadableOperator.Type, _ bodies: [(String, Graph)], inputs: Int) throws
    -> any Operator
  {
    var reader = AttributeReader(
      bodies.map { Attribute($0.0, .graph($0.1)) }, opset: 17, inputCount: inputs, outputCount: 1)
    return try type.init(&reader)
  }

  /// A branch that captures a value of which it is told nothing but the type.
  private func branch(_ body: (inout Network, ValueID) throws -> ValueID) throws -> Graph {
    var n = Network()
    let x = n.graph.add(Value("captured", .float))
    n.graph.outputs = [try body(&n, x)]
    (n.graph.inputs, n.graph.captureCount) = ([x], 1)
    return n.graph
  }

  private func product(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    n(Unary(.relu), n.add(n.product(x, try n.weight(4, 3)), try n.weight(3)))
  }

  private func scaled(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    n(try made(Gemm.self), n.mul(x, try n.number(2)), try n.weight(4, 3))
  }

  private func choice() throws -> Graph {
    var n = Network()
    let (condition, x) = (n.input([], .bool), n.input(rows))
    let branches = [("then_branch", try branch(product)), ("else_branch", try branch(scaled))]
    n.graph.outputs = [n(Unary(.neg), n(try make(If.self, branches, inputs: 1), condition, x, x))]
    return n.graph
  }

  private func inner(_ graph: Graph) -> [[String]] {
    graph.nodes.flatMap { $0.op.bodies }.map { $0.nodes.map { $0.op.name } }
  }

  @Test func rulesFireInBranches() throws {
    let graph = try choice()
    var fused = graph
    var fired: [String: Int] = [:]
    try optimize(&fused, .all) { fired[$0.name, default: 0] += $1 }
    #expect(inner(fused) == [["MatMul"], ["Gemm"]])
    #expect(fired["FuseBias"] == 1 && fired["FuseActivation"] == 1 && fired["FoldScale"] == 1)
    var n = Network()
    let x = try n.tensor(5, 4)
    for flag in [UInt8(0), 1] {
      let inputs = [try Tensor(.bool, [], [flag]), x]
      let (own, plain) = (try #require(try run(fused, inputs)[0]), try #require(try run(graph, inputs)[0]))
      #expect(
        zip(own, plain).allSatisfy { abs($0 - $1) <= 2e-6 * max(1, abs($1)) } && own.count == plain.count)
    }
  }

  @Test func basicRulesKeepWhatOnlyTheModelSaysOfABody() throws {
    var graph = try choice()
    try optimize(&graph, .none)
    #expect(inner(graph) == [["MatMul", "Add", "Relu"], ["Mul", "Gemm"]])
  }

  /// Its state changes from one iteration to the next: that it has four columns the model only says.
  @Test func whatALoopCarriesHasNoKnownShape() throws {
    var body = Network()
    let (_, goesOn, x) = (body.input([], .int64), body.input([], .bool), body.input([.known(2), .known(4)]))
    let grown = body(
      try made(Concat.self, [Attribute("axis", .int(0))]), body(Unary(.relu), body(Unary(.neg), x)), x)
    let same = body.reshaped(grown, try body.integers(4, 4))
    body.graph.outputs = [body(Identity(), goesOn), same]
    var n = Network()
    let start = n.input([.known(2), .known(4)])
    let loop = try make(Loop.self, [("body", body.graph)], inputs: 3)
    let limit = n.graph.addConstant("limit", try Tensor(.int64, [], [Int64(1)]))
    let yes = n.graph.addConstant("yes", try Tensor(.bool, [], [UInt8(1)]))
    n.graph.outputs = [n(Unary(.neg), n(loop, limit, yes, start))]
    var fused = n.graph
    try optimize(&fused, .all)
    #expect(
      inner(fused) == [["Neg", "Relu", "Concat", "Reshape", "Identity"]]
        || inner(fused) == [["Identity", "Neg", "Relu", "Concat", "Reshape"]])
    let tensor = try n.tensor(2, 4)
    #expect(try run(fused, [tensor]) == run(n.graph, [tensor]))
  }
}
