import MaasCore
import MaasGraph
import MaasONNX
import Testing

@testable import maas_model

/// Multiply-accumulates against the formulas of the textbooks.
@Suite struct CostTests {
  private let n = Dim.symbol("n")
  private let l = Dim.symbol("l")

  private func macs(
    _ name: String, _ inputs: [[Dim]?], _ output: [Dim], _ attributes: [Attribute] = []
  ) throws -> Dim {
    var reader = AttributeReader(attributes, opset: 24, inputCount: inputs.count, outputCount: 1)
    let op = try operatorRegistration(name, domain: "", opset: 24).make(&reader)
    let facts = inputs.map { $0.map { Fact(.float, Shape($0)) } }
    let cost = Cost(
      Node(name, op, facts.indices.map { ValueID($0) }, [ValueID(9)]), attributes, inputs: facts,
      outputs: [Fact(.float, Shape(output))])
    #expect(cost.isKnown)
    return cost.macs
  }

  private func known(_ numbers: Int...) -> [Dim] { numbers.map { .known($0) } }

  @Test func convolutions() throws {
    let y = [n] + known(64, 112, 112)
    #expect(
      try macs("Conv", [[n] + known(3, 224, 224), known(64, 3, 7, 7)], y) == n * .known(64 * 112 * 112 * 147))
    // Depthwise: each output channel sees one input channel.
    let depthwise = try macs("Conv", [[n] + known(32, 10, 10), known(32, 1, 3, 3)], [n] + known(32, 8, 8))
    #expect(depthwise == n * .known(32 * 64 * 9))
    // Each of 16 * 5 * 5 inputs goes into 8 channels of 2 x 2.
    let spread = try macs(
      "ConvTranspose", [[n] + known(16, 5, 5), known(16, 8, 2, 2)], [n] + known(8, 10, 10))
    #expect(spread == n * .known(16 * 25 * 8 * 4))
  }

  @Test func products() throws {
    #expect(
      try macs("MatMul", [[n, l] + known(64), known(64, 256)], [n, l] + known(256)) == n * l
        * .known(64 * 256))
    #expect(try macs("Gemm", [[n] + known(10), known(10, 20)], [n] + known(20)) == n * .known(200))
    let transposed = try macs(
      "Gemm", [known(10) + [n], known(10, 20)], [n] + known(20), [Attribute("transA", .int(1))])
    #expect(transposed == n * .known(200))
    let einsum = try macs(
      "Einsum", [[n, l] + known(4), [n] + known(4, 6)], [n, l] + known(6),
      [Attribute("equation", .string("bij, bjk -> bik"))])
    #expect(einsum == n * l * .known(24))
  }

  @Test func attention() throws {
    let (q, k) = ([n] + known(8) + [l] + known(32), [n] + known(8, 100, 32))
    let v = [n] + known(8, 100, 48)
    let y = [n] + known(8) + [l] + known(48)
    #expect(try macs("Attention", [q, k, v], y) == n * l * .known(8 * 100 * (32 + 48)))
    let past = try macs("Attention", [q, k, v, nil, [n] + known(8, 20, 32), [n] + known(8, 20, 48)], y)
    #expect(past == n * l * .known(8 * 120 * (32 + 48)))
  }

  @Test func recurrent() throws {
    let inputs = [[l, n] + known(10), known(2, 4 * 16, 10), known(2, 4 * 16, 16)]
    let macs = try macs(
      "LSTM", inputs, [l] + known(2) + [n] + known(16),
      [Attribute("hidden_size", .int(16)), Attribute("direction", .string("bidirectional"))])
    #expect(macs == l * n * .known(2 * 4 * 16 * (10 + 16)))
  }
}

@Suite struct MagnitudeTests {
  private let n = Dim.symbol("n")
  private let h = Dim.symbol("h")

  @Test func whatIsLargerForAllSizesFromOneOn() {
    #expect((n * n * .known(1024) - n * .known(16) - .known(472)).isNeverNegativeForRealSizes)
    #expect(!(n * .known(4) - h).isNeverNegativeForRealSizes)
    #expect(!(n - .known(2)).isNeverNegativeForRealSizes)
    // floor((h + 3) / 4) is at least 1.
    let quarter = (h + .known(3)).floorDivided(by: 4)
    #expect((quarter * .known(8) - .known(8)).isNeverNegativeForRealSizes)
    #expect(!(h.floorDivided(by: 4) - .known(1)).isNeverNegativeForRealSizes)
  }

  @Test func theValueAtASize() {
    let dim = n * (h + .known(1)).floorDivided(by: 2) - Dim.least(n, .known(3)) + .known(7)
    // 256 * 128 - 3 + 7
    #expect(dim.value(symbols: 256) == 32772)
  }
}
