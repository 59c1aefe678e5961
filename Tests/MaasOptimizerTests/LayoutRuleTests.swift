import MaasCore
import MaasGraph
import MaasOps
import MaasRuntime
import Testing

@testable import MaasOptimizer

/// A graph of operators on images, with elements that are small whole numbers: every sum of them is exact in float, so
/// that the same results are expected whatever the order of summation.
private struct Images {
  var graph = Graph("images")
  private var seed: UInt64 = 1

  mutating func tensor(_ shape: [Int]) throws -> Tensor {
    let elements = (0..<shape.reduce(1, *)).map { _ in
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(Int(seed >> 33) % 7 - 3)
    }
    return try Tensor(.float, shape, elements)
  }

  mutating func constant(_ shape: [Int]) throws -> ValueID {
    graph.addConstant("c\(graph.values.count)", try tensor(shape))
  }

  mutating func add(
    _ type: any ReadableOperator.Type, _ inputs: [ValueID?], _ attributes: [Attribute] = []
  ) throws -> ValueID {
    var reader = AttributeReader(attributes, opset: 17, inputCount: inputs.count, outputCount: 1)
    return add(try type.init(&reader), inputs)
  }

  mutating func add(_ op: any Operator, _ inputs: [ValueID?]) -> ValueID {
    graph.add(op, inputs, name: "v\(graph.values.count)")[0]
  }

  mutating func conv(_ x: ValueID, _ weights: [Int], group: Int = 1, pad: Int = 0) throws -> ValueID {
    let pads = [Int](repeating: pad, count: 2 * (weights.count - 2))
    return try add(
      Conv.self, [x, try constant(weights), try constant([weights[0]])],
      [Attribute("group", .int(group)), Attribute("pads", .ints(pads))])
  }

  mutating func transpose(_ x: ValueID, _ perm: [Int]) -> ValueID { add(Transpose(perm: perm), [x]) }

  mutating func pool(_ row: Pool.Row, _ x: ValueID) throws -> ValueID {
    var reader = AttributeReader(
      [Attribute("kernel_shape", .ints([2, 2])), Attribute("strides", .ints([2, 2]))], opset: 17,
      inputCount: 1, outputCount: 1)
    return add(try Pool(row, &reader), [x])
  }
}

@Suite struct LayoutRuleTests {
  private func run(_ graph: Graph, _ inputs: [Tensor]) throws -> [[Float]?] {
    let executable = Executable(
      graph, weights: WeightCache(graph),
      options: ExecutionOptions(threads: 2, memoryLimit: 1 << 30, planCacheLimit: 1 << 20))
    let targets: [OutputTarget?] = graph.outputs.map { _ in .allocated(keep: false) }
    return try executable.run(inputs, targets).map { $0?.elements(as: Float.self) }
  }

  /// The names of the operators that are left, after a check that the results stayed the same.
  private func operators(_ images: Images, _ input: [Int], count: Int) throws -> [String] {
    var (images, plain) = (images, images.graph)
    try plain.inferValues()
    var changed = plain
    #expect(try assignLayout.apply(&changed) == count)
    _ = try eliminateDeadNodes.apply(&changed)
    #expect(changed.isConsistent)
    let x = try images.tensor(input)
    #expect(try run(changed, [x]) == run(plain, [x]))
    return changed.nodes.map { $0.op.name }
  }

  @Test func aRegionHasTransposesAtItsBorders() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([.symbol("n"), .known(3), .symbol("h"), .symbol("w")]))
    let first = images.add(Unary(.relu), [try images.conv(x, [20, 3, 3, 3], pad: 1)])
    let pooled = try images.pool(.max, first)
    let deep = try images.conv(pooled, [20, 1, 3, 3], group: 20, pad: 1)
    images.graph.outputs = [try images.pool(.average, try images.conv(deep, [5, 20, 1, 1]))]
    let left = try operators(images, [2, 3, 12, 9], count: 6)
    #expect(
      left == ["Transpose", "Conv", "Relu", "MaxPool", "Conv", "Conv", "AveragePool", "Transpose"])
  }

  @Test func sumsAndConcatenationsStayInside() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([1, 16, 6, 7]))
    let a = try images.conv(x, [16, 16, 3, 3], pad: 1)
    let shifted = images.add(Binary(.add), [a, try images.constant([16, 1, 1])])
    let sum = images.add(Binary(.add), [images.add(Binary(.mul), [shifted, x]), x])
    let joined = try images.add(Concat.self, [sum, a], [Attribute("axis", .int(-3))])
    images.graph.outputs = [try images.conv(joined, [8, 32, 1, 1]), sum]
    let left = try operators(images, [1, 16, 6, 7], count: 6)
    #expect(left.count { $0 == "Transpose" } == 3)
  }

  @Test func transposesOfTheModelVanish() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([1, 5, 6, 4]))
    let y = try images.conv(images.transpose(x, [0, 3, 1, 2]), [9, 4, 2, 2])
    let back = images.transpose(y, [0, 2, 3, 1])
    images.graph.outputs = [images.add(Unary(.neg), [back])]
    #expect(try operators(images, [1, 5, 6, 4], count: 1) == ["Conv", "Neg"])
  }

  @Test func oneAndThreeDimensions() throws {
    for shape in [[2, 4, 9], [1, 4, 3, 5, 6]] {
      var images = Images()
      let x = images.graph.addInput("x", .float, Shape(shape))
      let kernel = [Int](repeating: 3, count: shape.count - 2)
      images.graph.outputs = [try images.conv(x, [8, 4] + kernel, pad: 1)]
      #expect(try operators(images, shape, count: 1) == ["Transpose", "Conv", "Transpose"])
    }
  }

  @Test func oneFilterAGroupAndUnknownWeightsBeginNoRegion() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([1, 16, 6, 6]))
    let w = images.graph.addInput("w", .float, Shape([16, 16, 1, 1]))
    images.graph.outputs = [
      try images.conv(x, [16, 1, 3, 3], group: 16), try images.conv(x, [2, 16, 1, 1]),
      try images.add(Conv.self, [x, w]),
    ]
    var graph = images.graph
    try graph.inferValues()
    #expect(try assignLayout.apply(&graph) == 0)
    #expect(graph.nodes.count == 3)
  }

  @Test func aShortcutBecomesPartOfItsConvolution() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([1, 16, 6, 7]))
    let y = try images.conv(x, [16, 16, 3, 3], pad: 1)
    images.graph.outputs = [images.add(Unary(.relu), [images.add(Binary(.add), [x, y])])]
    var (images2, plain) = (images, images.graph)
    try plain.inferValues()
    var fused = plain
    #expect(try fuseResidual.apply(&fused) == 1)
    #expect(try fuseActivation.apply(&fused) == 1)
    #expect(fused.nodes.map { $0.op.name } == ["Conv"])
    let input = try images2.tensor([1, 16, 6, 7])
    #expect(try run(fused, [input]) == run(plain, [input]))
    #expect(try assignLayout.apply(&fused) == 1)
    #expect(try run(fused, [input]) == run(plain, [input]))
  }

  @Test func aSumThatBroadcastsIsNoShortcut() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([1, 16, 6, 7]))
    let s = images.graph.addInput("s", .float, Shape([1, 16, 1, 1]))
    images.graph.outputs = [images.add(Binary(.add), [try images.conv(x, [16, 16, 1, 1]), s])]
    var graph = images.graph
    try graph.inferValues()
    #expect(try fuseResidual.apply(&graph) == 0)
  }

  @Test func splitsStayInside() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([.symbol("n"), .known(3), .symbol("h"), .symbol("w")]))
    let first = try images.conv(x, [16, 3, 3, 3], pad: 1)
    var reader = AttributeReader([Attribute("axis", .int(1))], opset: 17, inputCount: 2, outputCount: 2)
    let sizes = images.graph.addConstant("sizes", try Tensor(.int64, [2], [6, 10] as [Int64]))
    let parts = images.graph.add(try Split(&reader), [first, sizes], name: "split", outputs: 2)
    let deep = try images.conv(parts[1], [16, 10, 1, 1])
    images.graph.outputs = [
      try images.add(Concat.self, [parts[0], deep], [Attribute("axis", .int(-3))])
    ]
    let left = try operators(images, [2, 3, 5, 4], count: 4)
    #expect(left == ["Transpose", "Conv", "Split", "Conv", "Concat", "Transpose"])
  }

  @Test func meansAndPaddingStayInside() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([.symbol("n"), .known(3), .symbol("h"), .symbol("w")]))
    let first = try images.conv(x, [16, 3, 3, 3])
    let pads = images.graph.addConstant("pads", try Tensor(.int64, [8], [0, 1, 2, 0, 0, 0, 1, 3] as [Int64]))
    let padded = try images.add(Pad.self, [first, pads], [Attribute("mode", .string("edge"))])
    var reader = AttributeReader(
      [Attribute("axes", .ints([-1, 2]))], opset: 17, inputCount: 1, outputCount: 1)
    let largest = images.add(try Reduce(.max, &reader), [padded])
    images.graph.outputs = [try images.conv(images.add(Binary(.mul), [padded, largest]), [8, 17, 1, 1])]
    let left = try operators(images, [2, 3, 6, 5], count: 5)
    #expect(left == ["Transpose", "Conv", "Pad", "ReduceMax", "Mul", "Conv", "Transpose"])
  }

  @Test func reductionsThatDropDimensionsEndARegion() throws {
    var images = Images()
    let x = images.graph.addInput("x", .float, Shape([.symbol("n"), .known(3), .symbol("h"), .symbol("w")]))
    let first = try images.conv(x, [16, 3, 3, 3])
    let attributes = [Attribute("axes", .ints([1])), Attribute("keepdims", .int(0))]
    var reader = AttributeReader(attributes, opset: 17, inputCount: 1, outputCount: 1)
    images.graph.outputs = [images.add(try Reduce(.max, &reader), [first])]
    let left = try operators(images, [2, 3, 6, 5], count: 1)
    #expect(left == ["Transpose", "Conv", "Transpose", "ReduceMax"])
  }
}
