import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct QuantizedRuleTests {
  private let rules = [
    keepBytes, quantizeProducts, foldDequantized, shareConstants, finishQuantizedProducts,
  ]
  private let rows: [Dim] = [.symbol("n"), .known(6)]
  /// The scale of what tests quantize: answers may be one step apart.
  private let step: Float = 0.03

  private func op(_ type: any ReadableOperator.Type, _ attributes: [Attribute] = []) throws -> any Operator {
    try made(type, attributes, opset: 21)
  }

  private func bytes(_ n: inout Network, _ shape: Int...) throws -> ValueID {
    let elements = n.floats(shape.reduce(1, *)).map { Int8($0 * 127) }
    return n.graph.addConstant("w\(n.graph.values.count)", try Tensor(.int8, shape, elements))
  }

  private func zero(_ n: inout Network, _ value: UInt8 = 120) throws -> ValueID {
    n.graph.addConstant("z\(n.graph.values.count)", try Tensor(.uint8, [], [value]))
  }

  private func scales(_ n: inout Network, _ count: Int) throws -> ValueID {
    let elements = n.floats(count).map { 0.01 + 0.005 * $0 }
    return n.graph.addConstant(
      "s\(n.graph.values.count)", try Tensor(.float, count == 1 ? [] : [count], elements))
  }

  private func quantized(_ n: inout Network, _ x: ValueID, _ scale: Float? = nil) throws -> ValueID {
    n(try op(QuantizeLinear.self), x, try n.number(scale ?? step), try zero(&n))
  }

  private func dequantized(_ n: inout Network, _ x: ValueID, _ scale: Float? = nil) throws -> ValueID {
    n(try op(DequantizeLinear.self), x, try n.number(scale ?? step), try zero(&n))
  }

  private func rounded(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    try dequantized(&n, try quantized(&n, x))
  }

  private func weights(_ n: inout Network, axis: Int, scales count: Int) throws -> ValueID {
    n(
      try op(DequantizeLinear.self, [Attribute("axis", .int(axis))]), try bytes(&n, 6, 5),
      try scales(&n, count))
  }

  @Test func ofATableOnlyWhatIsLookedUpIsDequantized() throws {
    var n = Network()
    let table = n(try op(DequantizeLinear.self), try bytes(&n, 9, 6), try n.number(step))
    let rows = n(try op(Gather.self), table, try n.integers(3, 0, 8, 3))
    n.graph.outputs = [n.add(n.input([.known(4), .known(6)]), rows)]
    try expectFused(
      n.graph, [keepBytes], into: ["Gather", "DequantizeLinear", "Add"], [try n.tensor(4, 6)], tolerance: 0)
  }

  @Test func aFunctionOfBytesIsATable() throws {
    var n = Network()
    let x = try rounded(&n, n.input(rows))
    let erf = try rounded(&n, n(Unary(.erf), n.div(x, try n.number(1.414))))
    let product = try rounded(&n, n.mul(x, try rounded(&n, n.add(erf, try n.number(1)))))
    n.graph.outputs = [try rounded(&n, n.mul(product, try n.number(0.5)))]
    try expectFused(
      n.graph, [keepBytes, tabulateBytes], into: ["QuantizeLinear", "ByteTable", "DequantizeLinear"],
      [try n.tensor(4, 6)], tolerance: 0)
  }

  @Test func constantsThatAreAddedToBytesOfAProductAreAddedByIt() throws {
    var n = Network()
    let x = try rounded(&n, n.input(rows))
    let w = n(try op(DequantizeLinear.self), try bytes(&n, 6, 6), try scales(&n, 1))
    let y = try rounded(&n, n.add(try n.weight(6), try rounded(&n, n.product(x, w))))
    n.graph.outputs = [try rounded(&n, n.add(x, y))]
    try expectFused(
      n.graph, rules, into: ["QuantizeLinear", "QuantizedProduct", "QLinearAdd", "DequantizeLinear"],
      [try n.tensor(4, 6)], tolerance: 2.01 * step)
  }

  @Test func whatIsNoFunctionOfSingleBytesStays() throws {
    var n = Network()
    let (x, y) = (try rounded(&n, n.input(rows)), try rounded(&n, n.input(rows)))
    let sum = try rounded(&n, n.mul(n.add(x, try n.weight(6)), y))
    n.graph.outputs = [sum, try rounded(&n, n.add(try n.number(1), n.product(x, try n.weight(6, 6))))]
    try expectUntouched(n.graph, tabulateBytes)
  }

  @Test func aProductBetweenIntegersReadsAndWritesThem() throws {
    var n = Network()
    let x = try rounded(&n, n.input(rows))
    let y = n.add(n.product(x, try weights(&n, axis: 1, scales: 5)), try n.weight(5))
    n.graph.outputs = [try rounded(&n, n(Unary(.relu), y))]
    try expectFused(
      n.graph, rules, into: ["QuantizeLinear", "QuantizedProduct", "DequantizeLinear"], [try n.tensor(4, 6)],
      tolerance: 1.01 * step)
  }

  @Test func aGemmWithQuantizedBiasStaysFloatAtTheEnd() throws {
    var n = Network()
    let x = try rounded(&n, n.input(rows))
    let bias = n.graph.addConstant("b", try Tensor(.int32, [5], [3, -700, 20, 900, 0] as [Int32]))
    let c = n(try op(DequantizeLinear.self, [Attribute("axis", .int(0))]), bias, try scales(&n, 5))
    let w = n(
      try op(DequantizeLinear.self, [Attribute("axis", .int(0))]), try bytes(&n, 5, 6), try scales(&n, 5))
    n.graph.outputs = [n(try made(Gemm.self, [Attribute("transB", .int(1))]), x, w, c)]
    try expectFused(n.graph, rules, into: ["QuantizeLinear", "QuantizedProduct"], [try n.tensor(4, 6)])
  }

  @Test func aResidualIsAddedToTheFloats() throws {
    var n = Network()
    let (x, r) = (try rounded(&n, n.input(rows)), n.input([.symbol("n"), .known(5)]))
    n.graph.outputs = [n(Unary(.tanh), n.add(r, n.product(x, try weights(&n, axis: 1, scales: 1))))]
    try expectFused(
      n.graph, rules, into: ["QuantizeLinear", "QuantizedProduct"], [try n.tensor(4, 6), try n.tensor(4, 5)])
  }

  @Test func integersThatAreScaledAfterwards() throws {
    var n = Network()
    let x = n.input(rows)
    let parts = n.graph.add(try op(DynamicQuantizeLinear.self), [x], name: "q", outputs: 3)
    let scale = n.mul(parts[1], try scales(&n, 5))
    let zero = n.graph.addConstant("z", try Tensor(.int8, [], [3] as [Int8]))
    let sums = n(try op(MatMulInteger.self), parts[0], try bytes(&n, 6, 5), parts[2], zero)
    let floats = n(try op(Cast.self, [Attribute("to", .int(1))]), sums)
    n.graph.outputs = [n(Unary(.relu), n.add(n.mul(floats, scale), try n.weight(5)))]
    try expectFused(
      n.graph, rules, into: ["DynamicQuantizeLinear", "QuantizedProduct"], [try n.tensor(4, 6)])
  }

  /// As exporters write a layer of more than two dimensions.
  @Test func weightsThatAreTransposedBeforeTheProductAreReadAsTheyAre() throws {
    var n = Network()
    let w = n(
      try op(DequantizeLinear.self, [Attribute("axis", .int(0))]), try bytes(&n, 5, 6), try scales(&n, 5))
    let x = try rounded(&n, n.input(rows))
    n.graph.outputs = [n.add(n.product(x, n.transposed(w, 1, 0)), try n.weight(5))]
    try expectFused(n.graph, rules, into: ["QuantizeLinear", "QuantizedProduct"], [try n.tensor(4, 6)])
    var other = Network()
    let columns = other(
      try op(DequantizeLinear.self, [Attribute("axis", .int(1))]), try bytes(&other, 5, 6),
      try scales(&other, 6))
    let y = try rounded(&other, other.input(rows))
    other.graph.outputs = [other.product(y, other.transposed(columns, 1, 0))]
    try expectUntouched(other.graph, quantizeProducts)
  }

  @Test func scalesAlongTheSumStayApart() throws {
    var n = Network()
    let x = try rounded(&n, n.input(rows))
    n.graph.outputs = [n.product(x, try weights(&n, axis: 0, scales: 6))]
    try expectUntouched(n.graph, quantizeProducts)
  }

  @Test func floatsTimesQuantizedWeightsStay() throws {
    var n = Network()
    n.graph.outputs = [n.product(n.input(rows), try weights(&n, axis: 1, scales: 5))]
    try expectUntouched(n.graph, quantizeProducts)
  }

  @Test func aProductThatOthersReadIsNotFinished() throws {
    var n = Network()
    let y = n.product(try rounded(&n, n.input(rows)), try weights(&n, axis: 1, scales: 5))
    n.graph.outputs = [n(Unary(.relu), y), y]
    let fused = try applied(rules, n.graph).graph
    #expect(fused.nodes.map { $0.op.name } == ["QuantizeLinear", "QuantizedProduct", "Relu"])
  }

  @Test func movedIntegersStayIntegers() throws {
    var n = Network()
    let x = try dequantized(&n, n.input(rows, .uint8))
    n.graph.outputs = [try quantized(&n, n.transposed(x, 1, 0))]
    let moved = try applied([keepBytes], n.graph)
    #expect(moved.graph.nodes.map { $0.op.name } == ["Transpose"])
    var other = Network()
    let y = try dequantized(&other, other.input(rows, .uint8))
    other.graph.outputs = [try quantized(&other, other.transposed(y, 1, 0), 2 * step)]
    try expectUntouched(other.graph, keepBytes)
  }

  @Test func quantizedSumsAndConcatenations() throws {
    var n = Network()
    let (x, y) = (try rounded(&n, n.input(rows)), try rounded(&n, n.input(rows)))
    let sum = try rounded(&n, n.add(x, y))
    n.graph.outputs = [try rounded(&n, n(Concat(axis: 1), sum, x))]
    try expectFused(
      n.graph, rules,
      into: ["QuantizeLinear", "QuantizeLinear", "QLinearAdd", "QLinearConcat", "DequantizeLinear"],
      [try n.tensor(4, 6), try n.tensor(4, 6)], tolerance: 2.01 * step)
  }

  @Test func sumsOfAFloatAndIntegersStay() throws {
    var n = Network()
    let sum = n.add(n.input(rows), try dequantized(&n, n.input(rows, .uint8)))
    n.graph.outputs = [try quantized(&n, sum)]
    try expectUntouched(n.graph, keepBytes)
  }

  @Test func quantizedWeightsAreFoldedOnlyAfterTheProductsHaveSeenThem() throws {
    var n = Network()
    n.graph.outputs = [n.product(n.input(rows), try weights(&n, axis: 0, scales: 6))]
    try expectUntouched(n.graph, foldConstants)
    let folded = try applied([foldConstants, quantizeProducts, foldDequantized], n.graph)
    #expect(folded.graph.nodes.map { $0.op.name } == ["MatMul"])
  }

  @Test func whatWouldGrowMuchOrIsNotConstantStaysQuantized() throws {
    var n = Network()
    let large = try Tensor(.int8, [1024, 1024], [Int8](repeating: 3, count: 1 << 20))
    let table = n(try op(DequantizeLinear.self), n.graph.addConstant("large", large), try n.number(step))
    n.graph.outputs = [n(Unary(.neg), table), try dequantized(&n, n.input(rows, .uint8))]
    try expectUntouched(n.graph, foldDequantized)
  }
}

extension QuantizedRuleTests {
  private func blocked(_ n: inout Network, _ shape: [Int], _ scales: [Int], axis: Int) throws -> ValueID {
    let w = n.graph.addConstant(
      "w\(n.graph.values.count)",
      try Tensor(.int8, shape, n.floats(shape.reduce(1, *)).map { Int8($0 * 127) }))
    let s = n.graph.addConstant(
      "s\(n.graph.values.count)",
      try Tensor(.float, scales, n.floats(scales.reduce(1, *)).map { 0.01 + 0.005 * $0 }))
    let attributes = [
      Attribute("axis", .int(axis)), Attribute("block_size", .int(scales.count > 1 ? 16 : 0)),
    ]
    return n(try made(DequantizeLinear.self, attributes, opset: 21), w, s)
  }

  @Test func dequantizedWeightsOfFloatProductsStayPacked() throws {
    let rows: [Dim] = [.symbol("n"), .known(32)]
    var n = Network()
    n.graph.outputs = [n.product(n.input(rows), try blocked(&n, [32, 5], [2, 5], axis: 0))]
    try expectFused(n.graph, [packWeights], into: ["MatMulNBits"], [try n.tensor(4, 32)], tolerance: 1e-5)
    var g = Network()
    let w = try blocked(&g, [5, 32], [5], axis: 0)
    g.graph.outputs = [
      g(try made(Gemm.self, [Attribute("transB", .int(1))]), g.input(rows), w, try g.weight(5))
    ]
    try expectFused(g.graph, [packWeights], into: ["MatMulNBits"], [try g.tensor(4, 32)], tolerance: 1e-5)
    var t = Network()
    let turned = t.transposed(try blocked(&t, [5, 32], [5, 2], axis: 1), 1, 0)
    t.graph.outputs = [t.product(t.input(rows), turned)]
    try expectFused(t.graph, [packWeights], into: ["MatMulNBits"], [try t.tensor(4, 32)], tolerance: 1e-5)
  }

  @Test func blocksAlongTheColumnsStayApart() throws {
    var n = Network()
    n.graph.outputs = [
      n.product(n.input([.symbol("n"), .known(5)]), try blocked(&n, [5, 32], [5, 2], axis: 1))
    ]
    try expectUntouched(n.graph, packWeights)
  }
}
