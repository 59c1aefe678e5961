import MaasCore
import MaasGraph
import MaasOps
import MaasRuntime
import Testing

@testable import MaasOptimizer

/// A graph in the making, as exporters write them.
struct Network {
  var graph = Graph("network")
  private var random: UInt64 = 1

  mutating func input(_ shape: [Dim], _ dtype: DType = .float) -> ValueID {
    graph.addInput("input_\(graph.values.count)", dtype, Shape(shape))
  }

  mutating func weight(_ shape: Int...) throws -> ValueID {
    let count = shape.reduce(1, *)
    return graph.addConstant("w\(graph.values.count)", try Tensor(.float, shape, floats(count)))
  }

  mutating func number(_ value: Float) throws -> ValueID {
    graph.addConstant("c\(graph.values.count)", try Tensor(.float, [], [value]))
  }

  mutating func integers(_ values: Int...) throws -> ValueID {
    let elements = values.map { Int64($0) }
    return graph.addConstant("i\(graph.values.count)", try Tensor(.int64, [values.count], elements))
  }

  mutating func index(_ value: Int) throws -> ValueID {
    graph.addConstant("i\(graph.values.count)", try Tensor(.int64, [], [Int64(value)]))
  }

  mutating func callAsFunction(_ op: any Operator, _ inputs: ValueID?...) -> ValueID {
    graph.add(op, inputs, name: "\(op.name)_\(graph.values.count)")[0]
  }

  mutating func add(_ a: ValueID, _ b: ValueID) -> ValueID { self(Binary(.add), a, b) }
  mutating func sub(_ a: ValueID, _ b: ValueID) -> ValueID { self(Binary(.sub), a, b) }
  mutating func mul(_ a: ValueID, _ b: ValueID) -> ValueID { self(Binary(.mul), a, b) }
  mutating func div(_ a: ValueID, _ b: ValueID) -> ValueID { self(Binary(.div), a, b) }
  mutating func product(_ a: ValueID, _ b: ValueID) -> ValueID { self(MatMul(), a, b) }
  mutating func transposed(_ x: ValueID, _ perm: Int...) -> ValueID { self(Transpose(perm: perm), x) }
  mutating func reshaped(_ x: ValueID, _ shape: ValueID) -> ValueID { self(Reshape(), x, shape) }

  /// The same numbers on every run, between -1 and 1.
  mutating func floats(_ count: Int) -> [Float] {
    (0..<count).map { _ in
      random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int32(truncatingIfNeeded: random >> 32)) / 0x1p31
    }
  }

  mutating func tensor(_ shape: Int...) throws -> Tensor {
    try Tensor(.float, shape, floats(shape.reduce(1, *)))
  }
}

func made(
  _ type: any ReadableOperator.Type, _ attributes: [Attribute] = [], opset: Int = 17, outputs: Int = 1
) throws -> any Operator {
  var reader = AttributeReader(attributes, opset: opset, inputCount: 2, outputCount: outputs)
  return try type.init(&reader)
}

func made<Family: OperatorFamily>(
  _ type: Family.Type, _ row: Family.Row, _ attributes: [Attribute] = [], opset: Int = 17
) throws -> any Operator {
  var reader = AttributeReader(attributes, opset: opset, inputCount: 1, outputCount: 1)
  return try type.init(row, &reader)
}

func run(_ graph: Graph, _ inputs: [Tensor]) throws -> [[Float]?] {
  let executable = Executable(
    graph, weights: WeightCache(graph),
    options: ExecutionOptions(threads: 1, memoryLimit: 1 << 30, planCacheLimit: 1 << 20))
  let targets: [OutputTarget?] = graph.outputs.map { _ in .allocated(keep: false) }
  return try executable.run(inputs, targets).map { $0?.elements(as: Float.self) }
}

func applied(_ rules: [Rule], _ graph: Graph) throws -> (graph: Graph, counts: [Int]) {
  var graph = graph
  try graph.takeInferredShapes()
  var counts: [Int] = []
  for rule in rules {
    counts.append(try rule.apply(&graph))
    #expect(graph.isConsistent, "after \(rule.name)")
  }
  return (graph, counts)
}

/// Whether the rules turn the graph into one of these operators that computes the same.
func expectFused(
  _ graph: Graph, _ rules: [Rule], into names: [String], _ inputs: [Tensor], tolerance: Float = 2e-6
) throws {
  let fused = try applied(rules, graph).graph
  #expect(fused.nodes.map { $0.op.name } == names)
  for (own, plain) in zip(try run(fused, inputs), try run(graph, inputs)) {
    let (own, plain) = (try #require(own), try #require(plain))
    #expect(own.count == plain.count)
    for (a, b) in zip(own, plain) {
      #expect((a.isNaN && b.isNaN) || abs(a - b) <= tolerance * max(1, abs(b)))
    }
  }
}

func expectUntouched(_ graph: Graph, _ rule: Rule) throws {
  let (kept, counts) = try applied([rule], graph)
  #expect(counts == [0])
  #expect(kept.nodes.map { $0.name } == graph.nodes.map { $0.name })
}
