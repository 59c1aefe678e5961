import MaasCore
import MaasGraph
import MaasONNX
import Testing

/// Operators whose single items may take long look whether the run is cancelled.
@Suite struct InterruptionTests {
  private struct Case: Sendable {
    let op: String
    var attributes: [Attribute] = []
    let inputs: @Sendable () throws -> [Tensor?]
    var outputs = 1
  }

  private static func floats(_ shape: Int...) throws -> Tensor {
    let count = shape.reduce(1, *)
    return try Tensor(.float, shape, (0..<count).map { Float($0 * 7919 % 1009) })
  }

  /// One text of that many letters.
  private static func text(_ letter: String, _ count: Int) throws -> [Tensor?] {
    [try Tensor([1], strings: [String(repeating: letter, count: count)])]
  }

  private static let cases = [
    Case(
      op: "RegexFullMatch", attributes: [Attribute("pattern", .string("(a|b)*a(a|b){20}c*"))],
      inputs: { try text("a", 50_000) }),
    Case(
      op: "RegexFullMatch", attributes: [Attribute("pattern", .string("a*"))],
      inputs: { try text("a", (1 << 20) + 1) }),
    Case(
      op: "StringNormalizer", attributes: [Attribute("case_change_action", .string("UPPER"))],
      inputs: { try text("ä", 1 << 18) }),
    Case(op: "StringSplit", inputs: { try text("a ", 10) }, outputs: 2),
    Case(op: "TopK", inputs: { [try floats(100_000), try Tensor(.int64, [1], [Int64(3)])] }, outputs: 2),
    // The elements are looked at fast, but then there is much to sort.
    Case(op: "TopK", inputs: { [try floats(65_537), try Tensor(.int64, [1], [Int64(65_537)])] }, outputs: 2),
    Case(op: "Unique", inputs: { [try floats(100)] }),
    Case(op: "NonZero", inputs: { [try floats(100)] }),
    Case(op: "Det", inputs: { [try floats(150, 150)] }),
    Case(op: "CumSum", inputs: { [try floats(65_537), try Tensor(.int64, [], [Int64(0)])] }),
    Case(
      op: "NonMaxSuppression",
      inputs: {
        [try floats(1, 9, 4), try floats(1, 1, 9), try Tensor(.int64, [1], [Int64(9)])]
      }),
    Case(
      op: "LSTM", attributes: [Attribute("hidden_size", .int(2))],
      inputs: { [try floats(9, 1, 3), try floats(1, 8, 3), try floats(1, 8, 2)] }),
  ]

  @Test(arguments: cases.indices) func aCancelledRunEnds(index: Int) throws {
    let row = Self.cases[index]
    let inputs = try row.inputs()
    var reader = AttributeReader(
      row.attributes, opset: 21, inputCount: inputs.count, outputCount: row.outputs)
    let op = try operatorRegistration(row.op, domain: "", opset: 21).make(&reader)
    let outputs = Array(repeating: true, count: row.outputs)
    var flag: Int64 = 0
    try withUnsafePointer(to: &flag) { _ = try run(op, inputs, outputs, $0) }
    flag = 1
    let error = try #require(throws: MaasError.self) {
      try withUnsafePointer(to: &flag) { _ = try run(op, inputs, outputs, $0) }
    }
    #expect(error.code == .cancelled)
  }

  private func run(
    _ op: any Operator, _ inputs: [Tensor?], _ outputs: [Bool], _ flag: UnsafePointer<Int64>
  ) throws -> [Tensor?] {
    var plain = PlainRun()
    plain.cancel = flag
    return try plain.run(op, inputs, outputs: outputs)
  }

  /// More elements than are counted at once, in rows of every length.
  @Test(arguments: [1, 3, 700, 30_000]) func longIndicesAreRight(width: Int) throws {
    let rows = 60_000 / width
    let x = try Tensor(.float, [rows, width], (0..<rows * width).map { Float($0 % 7 * ($0 % 5)) })
    var reader = AttributeReader([], opset: 13, inputCount: 1, outputCount: 1)
    let nonZero = try operatorRegistration("NonZero", domain: "", opset: 13).make(&reader)
    var plain = PlainRun()
    let found = try plain.run(nonZero, [x], outputs: [true])[0]
    let places = (0..<rows * width).filter { $0 % 7 != 0 && $0 % 5 != 0 }
    #expect(found?.shape == [2, places.count])
    #expect(found?.integers == places.map { $0 / width } + places.map { $0 % width })
  }

  /// det(1 + u v') = 1 + v u, with the first two rows exchanged its negative.
  @Test(arguments: [31, 64, 600]) func largeDeterminantsAreRight(side: Int) throws {
    var reader = AttributeReader([], opset: 11, inputCount: 1, outputCount: 1)
    let det = try operatorRegistration("Det", domain: "", opset: 11).make(&reader)
    let (u, v) = (
      (0..<side).map { Double($0 % 11 - 3) / 64 }, (0..<side).map { Double($0 % 7 - 2) / 64 }
    )
    let rows = [1, 0] + Array(2..<side)
    let elements = rows.flatMap { i in (0..<side).map { u[i] * v[$0] + (i == $0 ? 1 : 0) } }
    let expected = -1 - zip(u, v).reduce(0) { $0 + $1.0 * $1.1 }
    for dtype in [DType.float, .double] {
      var plain = PlainRun()
      let x =
        dtype == .double
        ? try Tensor(.double, [side, side], elements)
        : try Tensor(.float, [side, side], elements.map { Float($0) })
      let y = try #require(try plain.run(det, [x], outputs: [true])[0])
      let found = dtype == .double ? y.elements(as: Double.self)[0] : Double(y.elements(as: Float.self)[0])
      #expect(abs(found - expected) < abs(expected) * 1e-4)
    }
  }

  /// More elements than are sorted at once: whole runs, and one that is not whole.
  @Test(arguments: [65_536, 65_537, 300_001]) func longSortsAreRight(count: Int) throws {
    let numbers = (0..<count).map { Int64($0 * 48_271 % 99_991) }
    var reader = AttributeReader([], opset: 11, inputCount: 1, outputCount: 4)
    let unique = try operatorRegistration("Unique", domain: "", opset: 11).make(&reader)
    var plain = PlainRun()
    let x = try Tensor(.int64, [count], numbers)
    let results = try plain.run(unique, [x], outputs: [true, true, true, true])
    var first: [Int64: Int] = [:]
    var counts: [Int64: Int] = [:]
    for (i, number) in numbers.enumerated() {
      first[number] = first[number] ?? i
      counts[number, default: 0] += 1
    }
    let expected = counts.keys.sorted()
    #expect(results[0]?.elements(as: Int64.self) == expected)
    #expect(results[1]?.elements(as: Int64.self) == expected.map { Int64(first[$0] ?? -1) })
    #expect(results[3]?.elements(as: Int64.self) == expected.map { Int64(counts[$0] ?? -1) })
  }
}
