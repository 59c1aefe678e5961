import MaasCore
import MaasGraph
import MaasONNX
import Testing

/// Random operators without a seed; those with one are in Fixtures/cases.jsonl.
@Suite struct RandomTests {
  private func run(
    _ op: String, _ attributes: [(String, AttributeValue)], _ inputs: [Tensor] = []
  ) throws -> Tensor {
    let registration = try operatorRegistration(op, domain: "", opset: 22)
    var reader = AttributeReader(
      attributes.map { Attribute($0.0, $0.1) }, opset: 22, inputCount: inputs.count, outputCount: 1)
    let made = try registration.make(&reader)
    #expect(made.isRandom)
    var plain = PlainRun()
    return try #require(try plain.run(made, inputs, outputs: [true])[0])
  }

  private func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }

  private static let shape: (String, AttributeValue) = ("shape", .ints([20_000]))
  private static let double: (String, AttributeValue) = ("dtype", .int(11))

  @Test(arguments: ["RandomUniform", "RandomNormal"]) func twoRunsDiffer(_ op: String) throws {
    let (a, b) = (try run(op, [Self.shape]), try run(op, [Self.shape]))
    #expect(a.elements != b.elements)
  }

  /// Bounds are eight standard deviations of the estimate.
  @Test func uniformMoments() throws {
    let x = try run("RandomUniform", [Self.shape, Self.double, ("low", .float(-2)), ("high", .float(4))])
      .elements(as: Double.self)
    #expect(x.allSatisfy { $0 >= -2 && $0 < 4 })
    #expect(abs(mean(x) - 1) < 0.1)
    #expect(abs(mean(x.map { ($0 - 1) * ($0 - 1) }) - 3) < 0.16)
  }

  @Test func normalMoments() throws {
    let x = try run("RandomNormal", [Self.shape, Self.double, ("mean", .float(3)), ("scale", .float(2))])
      .elements(as: Double.self)
    #expect(abs(mean(x) - 3) < 0.12)
    #expect(abs(mean(x.map { ($0 - 3) * ($0 - 3) }) - 4) < 0.33)
  }

  @Test func bernoulliFollowsItsProbabilities() throws {
    let p = try Tensor(.float, [20_000], [Float](repeating: 0.3, count: 20_000))
    let x = try run("Bernoulli", [Self.double], [p]).elements(as: Double.self)
    #expect(x.allSatisfy { $0 == 0 || $0 == 1 })
    #expect(abs(mean(x) - 0.3) < 0.026)
  }

  @Test func multinomialFollowsItsProbabilities() throws {
    // e^x are 1, 2 and 5, with a factor that does not matter.
    let logits = try Tensor(.double, [1, 3], [100, 100.693147180559945, 101.609437912434100])
    let drawn = try run("Multinomial", [("sample_size", .int(20_000)), ("dtype", .int(7))], [logits])
    let counts = drawn.elements(as: Int64.self).reduce(into: [0, 0, 0]) { $0[Int($1)] += 1 }
    for (count, p) in zip(counts, [0.125, 0.25, 0.625]) {
      #expect(abs(Double(count) / 20_000 - p) < 0.03)
    }
  }
}
