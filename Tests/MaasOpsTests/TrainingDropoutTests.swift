import MaasCore
import MaasGraph
import Testing

@testable import MaasOps

@Suite struct PhiloxTests {
  /// The known answers that Random123 1.14 comes with (kat_vectors, philox4x32 10).
  @Test func knownAnswers() {
    let rows: [(key: (UInt32, UInt32), counter: Philox.Words, expected: Philox.Words)] = [
      ((0, 0), (0, 0, 0, 0), (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)),
      (
        (0xffff_ffff, 0xffff_ffff), (0xffff_ffff, 0xffff_ffff, 0xffff_ffff, 0xffff_ffff),
        (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
      ),
      (
        (0xa409_3822, 0x299f_31d0), (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
      ),
    ]
    for row in rows { #expect(Philox(key: row.key).words(row.counter) == row.expected) }
  }

  @Test func aSeedIsTheKeyItsLowHalfFirst() {
    let seed = Int64(bitPattern: 0x299f_31d0_a409_3822)
    let words = Philox(seed: seed).words(0x85a3_08d3_243f_6a88, step: 0x1319_8a2e, stream: 0x0370_7344)
    #expect(words == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  /// Bounds are eight standard deviations of the estimate.
  @Test func moments() {
    var stream = PhiloxStream(seed: 3, stream: 1)
    let uniform = (0..<20_000).map { _ in stream.uniform() }
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(uniform.reduce(0, +) / 20_000 - 0.5) < 0.017)
    let normal = (0..<20_000).map { _ in stream.normal() }
    #expect(abs(normal.reduce(0, +) / 20_000) < 0.06)
    #expect(abs(normal.reduce(0) { $0 + $1 * $1 } / 20_000 - 1) < 0.08)
  }

  @Test func permutations() {
    var counts: [[Int]: Int] = [:]
    var stream = PhiloxStream(seed: 1, stream: 2, step: 3)
    for _ in 0..<6000 { counts[stream.permutation(3), default: 0] += 1 }
    #expect(counts.count == 6)
    #expect(counts.keys.allSatisfy { $0.sorted() == [0, 1, 2] })
    #expect(counts.values.allSatisfy { abs($0 - 1000) < 8 * 29 })
    #expect(stream.permutation(0).isEmpty)
  }
}

@Suite struct TrainingDropoutTests {
  private let seed: Int64 = 0x1234_5678_9abc_def0
  private let step: Int64 = 5_000_000_007
  private let stream: UInt32 = 9

  private func run(_ ratio: Double, _ x: Tensor, chunk: Int? = nil) throws -> Tensor {
    var plain = PlainRun(chunk: chunk)
    let inputs = [x, try Tensor(.int64, [], [seed]), try Tensor(.int64, [], [step])]
    let op = try TrainingDropout(ratio: ratio, stream: stream)
    return try #require(try plain.run(op, inputs, outputs: [true])[0])
  }

  /// What the header of the kernel says, drawn with the generator.
  private func isKept(_ i: Int, _ ratio: Double) -> Bool {
    let words = Philox(seed: seed).words(
      UInt64(i / 64 * 16 + i % 16), step: UInt32(truncatingIfNeeded: step), stream: stream)
    let word = [words.0, words.1, words.2, words.3][i / 16 % 4]
    return Double(word) >= (ratio * 0x1p32).rounded(.down)
  }

  @Test(arguments: [DType.float, .double], [1, 63, 64, 1000]) func elements(_ dtype: DType, _ n: Int) throws {
    let values = (0..<n).map { Double($0) - 3 }
    let x = try cast(try Tensor(.double, [n], values), to: dtype)
    let y = try run(0.25, x)
    let expected = values.indices.map { isKept($0, 0.25) ? values[$0] / 0.75 : 0 }
    expectEqual(
      y, try cast(try Tensor(.double, [n], expected), to: dtype), Tolerance(relative: 1e-6, absolute: 0), "y")
    #expect(try run(0.25, x, chunk: 1).elements == y.elements)
  }

  @Test func narrowFloatsDropTheSame() throws {
    let x = try cast(try Tensor(.float, [100], [Float](repeating: 1, count: 100)), to: .float16)
    let kept = try cast(try run(0.5, x), to: .float).elements(as: Float.self).map { $0 == 2 }
    #expect(kept == (0..<100).map { isKept($0, 0.5) })
  }

  @Test func nothingIsDroppedAtZero() throws {
    let x = try Tensor(.float, [70], (0..<70).map { Float($0) })
    #expect(try run(0, x).elements == x.elements)
  }

  @Test(arguments: [-0.1, 1, Double.nan]) func refusedRatios(_ ratio: Double) {
    #expect(throws: MaasError.self) { try TrainingDropout(ratio: ratio, stream: 0) }
  }

  /// The gradient drops what the run dropped.
  @Test func gradient() throws {
    var graph = Graph("g")
    let x = graph.addInput("x", .float, Shape([100]))
    let scalars = ["seed", "step"].map { graph.addInput($0, .int64, Shape([Int]())) }
    let op = try TrainingDropout(ratio: 0.3, stream: stream)
    let y = graph.add(op, [x, scalars[0], scalars[1]], name: "y")[0]
    let dx = try graph.addGradients(of: y, to: [x])[0]
    let maker = try #require(graph.nodes.last(where: { $0.outputs.contains(dx) }))
    #expect(maker.op === op && maker.inputs[1...] == [scalars[0], scalars[1]])
  }
}
