import MaasCore
import MaasGraph
import MaasOps
import MaasRuntime
import Testing

@testable import MaasOptimizer

@Suite struct RuleTests {
  private func make(_ type: any ReadableOperator.Type, _ attributes: [Attribute] = []) throws -> any Operator
  {
    var reader = AttributeReader(attributes, opset: 17, inputCount: 2, outputCount: 1)
    return try type.init(&reader)
  }

  private func floats(_ shape: [Int], _ elements: [Float]) throws -> Tensor {
    try Tensor(.float, shape, elements)
  }

  private func run(_ graph: Graph, _ inputs: [Tensor]) throws -> [[Float]?] {
    let executable = Executable(
      graph, weights: WeightCache(graph),
      options: ExecutionOptions(threads: 1, memoryLimit: 1 << 30, planCacheLimit: 1 << 20))
    let targets: [OutputTarget?] = graph.outputs.map { _ in .allocated(keep: false) }
    return try executable.run(inputs, targets).map { $0?.elements(as: Float.self) }
  }

  private func apply(_ rule: Rule, _ graph: Graph) throws -> (graph: Graph, count: Int) {
    var graph = graph
    try graph.inferValues()
    let count = try rule.apply(&graph)
    #expect(graph.isConsistent)
    return (graph, count)
  }

  private func unary(_ name: String) throws -> any Operator {
    Unary(try #require(["Relu": .relu, "Neg": .neg, "Exp": .exp][name]))
  }

  private func add() throws -> any Operator { Binary(.add) }

  /// MatMul with a 2x3 constant, then `tail`.
  private func product(_ tail: (inout Graph, ValueID) throws -> ValueID) throws -> Graph {
    var graph = Graph("product")
    let x = graph.addInput("x", .float, Shape([.symbol("m"), .known(2)]))
    let w = graph.addConstant("w", try floats([2, 3], [1, 2, 3, 4, 5, 6]))
    let y = graph.add(try make(MatMul.self), [x, w], name: "product")[0]
    graph.outputs = [try tail(&graph, y)]
    return graph
  }

  private func x() throws -> Tensor { try floats([2, 2], [1, -1, -2, 1]) }

  @Test func biasAndActivationMoveIntoAProduct() throws {
    let graph = try product { graph, y in
      let b = graph.addConstant("b", try floats([1, 3], [10, 0, -10]))
      let sum = graph.add(try add(), [b, y], name: "sum")[0]
      return graph.add(try unary("Relu"), [sum], name: "relu")[0]
    }
    let (biased, biases) = try apply(fuseBias, graph)
    let (fused, activations) = try apply(fuseActivation, biased)
    #expect((biases, activations, fused.nodes.count) == (1, 1, 1))
    // x w = [-3 -3 -3; 2 1 0]
    #expect(try run(fused, [x()]) == [[7, 0, 0, 12, 1, 0]])
    #expect(try run(graph, [x()]) == [[7, 0, 0, 12, 1, 0]])
  }

  @Test func aSumThatGrowsTheProductIsNoBias() throws {
    let graph = try product { graph, y in
      let b = graph.addConstant("b", try floats([2, 1, 3], [1, 2, 3, 4, 5, 6]))
      return graph.add(try add(), [y, b], name: "sum")[0]
    }
    #expect(try apply(fuseBias, graph).count == 0)
  }

  @Test func aColumnVectorIsNoBias() throws {
    var graph = Graph("column")
    let x = graph.addInput("x", .float, Shape([3, 2]))
    let w = graph.addConstant("w", try floats([2, 3], [1, 2, 3, 4, 5, 6]))
    let y = graph.add(try make(MatMul.self), [x, w], name: "product")[0]
    let b = graph.addConstant("b", try floats([3, 1], [1, 2, 3]))
    graph.outputs = graph.add(try add(), [y, b], name: "sum")
    #expect(try apply(fuseBias, graph).count == 0)
  }

  @Test func aValueThatOthersReadIsNotFused() throws {
    var graph = try product { graph, y in graph.add(try unary("Relu"), [y], name: "relu")[0] }
    let y = try #require(graph.nodes[0].outputs[0])
    graph.outputs.append(y)
    let (kept, count) = try apply(fuseActivation, graph)
    #expect(count == 0)
    #expect(try run(kept, [x()]) == [[0, 0, 0, 2, 1, 0], [-3, -3, -3, 2, 1, 0]])
  }

  @Test func secondActivationsStay() throws {
    let graph = try product { graph, y in
      let relu = graph.add(try unary("Relu"), [y], name: "relu")[0]
      return graph.add(try unary("Neg"), [relu], name: "neg")[0]
    }
    let (fused, count) = try apply(fuseActivation, graph)
    #expect((count, fused.nodes.count) == (1, 1) || (count, fused.nodes.count) == (1, 2))
    #expect(try run(fused, [x()])[0]?.map { $0 + 0 } == [0, 0, 0, -2, -1, 0])
  }

  @Test func normalizationMovesIntoTheConvolution() throws {
    var graph = Graph("conv")
    let x = graph.addInput("x", .float, Shape([1, 1, 1, 3]))
    let w = graph.addConstant("w", try floats([2, 1, 1, 2], [1, 1, 1, -1]))
    let y = graph.add(try make(Conv.self), [x, w], name: "conv")[0]
    var inputs: [ValueID?] = [y]
    // scale, bias, mean, variance: (y - 1) / 2 * 3 + 4 and (y + 1) * 1 + 0
    for (i, values) in [[3, 1], [4, 0], [1, -1], [4, 1]].enumerated() {
      inputs.append(graph.addConstant("p\(i)", try floats([2], values.map { Float($0) })))
    }
    let epsilon = Attribute("epsilon", .float(0))
    graph.outputs = graph.add(try make(BatchNormalization.self, [epsilon]), inputs, name: "norm")
    let (folded, count) = try apply(foldBatchNormalization, graph)
    #expect((count, folded.nodes.count) == (1, 1))
    let input = try floats([1, 1, 1, 3], [1, 2, 4])
    #expect(try run(folded, [input]) == [[7, 11.5, 0, -1]])
    #expect(try run(graph, [input]) == [[7, 11.5, 0, -1]])
  }

  @Test func constantsFoldButDoNotExplode() throws {
    var graph = Graph("fold")
    let x = graph.addInput("x", .float, Shape([2]))
    let a = graph.addConstant("a", try floats([2], [1, 2]))
    let b = graph.add(try add(), [a, a], name: "b")[0]
    let shape = graph.addConstant("shape", try Tensor(.int64, [1], [Int64(1 << 30)]))
    let huge = graph.add(try make(ConstantOfShape.self), [shape], name: "huge")[0]
    graph.outputs = graph.add(try add(), [x, b], name: "y") + [huge]
    let (folded, count) = try apply(foldConstants, graph)
    #expect(count == 1)
    #expect(folded[b].constant?.elements(as: Float.self) == [2, 4])
    #expect(folded[huge].constant == nil)
  }

  @Test func identitiesAndDeadNodesGo() throws {
    var graph = Graph("identity")
    let x = graph.addInput("x", .float, Shape([2]))
    let same = graph.add(try make(Identity.self), [x], name: "same")[0]
    let again = graph.add(try make(Identity.self), [same], name: "again")[0]
    _ = graph.add(try unary("Exp"), [same], name: "dead")
    graph.outputs = graph.add(try unary("Neg"), [again], name: "y")
    #expect(try apply(eliminateIdentity, graph).count == 2)
    var clean = try apply(eliminateIdentity, graph).graph
    #expect(try eliminateDeadNodes.apply(&clean) == 3)
    #expect(clean.nodes.map { $0.name } == ["y"])
    #expect(try run(clean, [floats([2], [1, -2])]) == [[-1, 2]])
  }

  /// A fused node knows the nodes that it was, for files; not when they no longer say what it does.
  @Test func fusedNodesKeepTheirOrigin() throws {
    let graph = try product { graph, y in
      let bias = graph.addConstant("bias", try floats([3], [1, 2, 3]))
      let sum = graph.add(try add(), [y, bias], name: "sum")[0]
      return graph.add(try unary("Relu"), [sum], name: "y")[0]
    }
    var fused = graph
    try fused.inferValues()
    try optimize(&fused, .all, keepsOrigins: true)
    var node = try #require(fused.nodes.first)
    #expect(fused.nodes.count == 1 && node.replaced().map { $0.op.name } == ["MatMul", "Relu"])
    let inner = try #require(node.replaced().first).replaced()
    #expect(inner.map { $0.name } == ["product", "sum"])
    #expect(inner.map { $0.inputs } == graph.nodes.prefix(2).map { $0.inputs })
    #expect(node.replaced().last?.outputs == node.outputs)
    node.inputs[0] = ValueID(7)
    #expect(node.replaced().first?.replaced().first?.inputs.first == ValueID(7))
    node.inputs[2] = ValueID(8)
    #expect(node.replaced().first?.replaced().isEmpty == true)
    #expect(node.replaced().first?.replaced { $0 == $1 || $1 == ValueID(8) }.count == 2)
  }

}
