import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasOptimizer

@Suite struct QuantizedConvolutionTests {
  private let rules = [
    keepBytes, quantizeProducts, foldDequantized, shareConstants, finishQuantizedProducts,
  ]
  private let image: [Dim] = [.symbol("n"), .known(4), .known(7), .known(6)]
  /// The scale of what tests quantize: answers may be one step apart.
  private let step: Float = 0.03

  private func dequantize(axis: Int) throws -> any Operator {
    try made(DequantizeLinear.self, [Attribute("axis", .int(axis))], opset: 21)
  }

  private func zero(_ n: inout Network) throws -> ValueID {
    n.graph.addConstant("z\(n.graph.values.count)", try Tensor(.uint8, [], [118] as [UInt8]))
  }

  private func quantized(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    n(try made(QuantizeLinear.self, [], opset: 21), x, try n.number(step), try zero(&n))
  }

  private func rounded(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    n(try dequantize(axis: 1), try quantized(&n, x), try n.number(step), try zero(&n))
  }

  private func weights(_ n: inout Network, _ shape: [Int], axis: Int) throws -> ValueID {
    let elements = n.floats(shape.reduce(1, *)).map { Int8($0 * 127) }
    let w = n.graph.addConstant("w\(n.graph.values.count)", try Tensor(.int8, shape, elements))
    let scales = n.floats(shape[axis]).map { 0.005 + 0.002 * $0 }
    let s = n.graph.addConstant("s\(n.graph.values.count)", try Tensor(.float, [shape[axis]], scales))
    return n(try dequantize(axis: axis), w, s)
  }

  private func conv(
    _ n: inout Network, _ x: ValueID, _ shape: [Int], axis: Int = 0, group: Int = 1
  ) throws -> ValueID {
    let op = try made(
      Conv.self, [Attribute("group", .int(group)), Attribute("pads", .ints([1, 1, 1, 1]))], opset: 17)
    return n(op, x, try weights(&n, shape, axis: axis))
  }

  private func pool(_ n: inout Network, _ x: ValueID) throws -> ValueID {
    var reader = AttributeReader(
      [Attribute("kernel_shape", .ints([2, 2]))], opset: 17, inputCount: 1, outputCount: 1)
    return n(try Pool(.max, &reader), x)
  }

  @Test func aConvolutionBetweenIntegersReadsAndWritesThem() throws {
    var n = Network()
    let x = try rounded(&n, n.input(image))
    let bias = n.graph.addConstant("b", try Tensor(.int32, [5], [30, -700, 20, 900, 0] as [Int32]))
    let scales = n.graph.addConstant(
      "bs", try Tensor(.float, [5], [0.001, 0.002, 0.003, 0.001, 0.002] as [Float]))
    let op = try made(Conv.self, [Attribute("strides", .ints([2, 2]))], opset: 17)
    let y = n(op, x, try weights(&n, [5, 4, 3, 3], axis: 0), n(try dequantize(axis: 0), bias, scales))
    n.graph.outputs = [try rounded(&n, n(Unary(.relu), y))]
    try expectFused(
      n.graph, rules, into: ["QuantizeLinear", "QuantizedProduct", "DequantizeLinear"],
      [try n.tensor(2, 4, 7, 6)], tolerance: 1.01 * step)
  }

  @Test func aConvolutionMayEndInFloats() throws {
    var n = Network()
    let y = try conv(&n, try rounded(&n, n.input(image)), [4, 1, 3, 3], group: 4)
    n.graph.outputs = [n(Unary(.tanh), y)]
    try expectFused(n.graph, rules, into: ["QuantizeLinear", "QuantizedProduct"], [try n.tensor(2, 4, 7, 6)])
  }

  @Test func scalesOfChannelsAndFloatsStayApart() throws {
    var n = Network()
    let x = try rounded(&n, n.input(image))
    let y = try conv(&n, x, [5, 4, 3, 3], axis: 1)
    let z = n(try made(Conv.self, [], opset: 17), x, try n.weight(5, 4, 3, 3))
    n.graph.outputs = [y, z, try conv(&n, n.input(image), [5, 4, 3, 3])]
    try expectUntouched(n.graph, quantizeProducts)
  }

  @Test func sumsThatAreScaledAfterwards() throws {
    var n = Network()
    let x = n.input(image)
    let parts = n.graph.add(try made(DynamicQuantizeLinear.self, [], opset: 21), [x], name: "q", outputs: 3)
    let codes = try Tensor(.int8, [5, 4, 3, 3], n.floats(180).map { Int8($0 * 127) })
    let w = n.graph.addConstant("w", codes)
    let zero = n.graph.addConstant("z", try Tensor(.int8, [], [3] as [Int8]))
    let scales = n.graph.addConstant(
      "s", try Tensor(.float, [5, 1, 1], [0.01, 0.02, 0.015, 0.01, 0.03] as [Float]))
    let sums = n(try made(ConvInteger.self, [], opset: 21), parts[0], w, parts[2], zero)
    let floats = n(try made(Cast.self, [Attribute("to", .int(1))], opset: 21), sums)
    let scaled = n.mul(floats, n.mul(parts[1], scales))
    n.graph.outputs = [n(Unary(.relu), n.add(scaled, try n.weight(1, 5, 1, 1)))]
    try expectFused(
      n.graph, rules, into: ["DynamicQuantizeLinear", "QuantizedProduct"], [try n.tensor(2, 4, 7, 6)])
  }

  @Test func aRegionOfBytesHasTransposesAtItsBorders() throws {
    var n = Network()
    let first = try rounded(&n, try conv(&n, try rounded(&n, n.input(image)), [8, 4, 3, 3]))
    let pooled = try rounded(&n, try pool(&n, first))
    let deep = try rounded(&n, try conv(&n, pooled, [8, 1, 3, 3], group: 8))
    n.graph.outputs = [try rounded(&n, n.add(pooled, deep))]
    try expectFused(
      n.graph, rules + [assignLayout],
      into: [
        "QuantizeLinear", "Transpose", "QuantizedProduct", "MaxPool", "QuantizedProduct", "QLinearAdd",
        "DequantizeLinear", "Transpose",
      ], [try n.tensor(2, 4, 7, 6)], tolerance: 3.01 * step)
  }
}
