import MaasCore
import MaasGraph
import MaasONNX
import Testing

/// Operators with bodies, those of containers, and what needs another library: the conformance suite has them.
private let notPlain: Set<String> = [
  "CastMap", "ConcatFromSequence", "DictVectorizer", "If", "ImageDecoder", "Loop", "Optional",
  "OptionalGetElement", "OptionalHasElement",
  "Scan",
  "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength",
  "SequenceMap", "SplitToSequence", "ZipMap",
]

@Suite struct OperatorCaseTests {
  @Test func everyRegisteredOperatorHasACase() {
    let covered = Set(operatorCases.map { "\($0.op) \($0.domain)" })
    let plain = operatorTable.filter { !notPlain.contains($0.name) }
    let missing = plain.map { "\($0.name) \($0.domain)" }.filter { !covered.contains($0) }
    #expect(missing == [], "run make-cases.py; if they stay missing, add cases")
    #expect(operatorCases.count > 1000)
  }

  @Test func theTableIsSortedAndHasEachNameOnce() {
    let names = operatorTable.map { ($0.name, $0.domain) }
    #expect(zip(names, names.dropFirst()).allSatisfy { $0 < $1 })
  }

  @Test(arguments: operatorCases) func constantInputs(_ test: OperatorCase) throws {
    let op = try test.makeOperator()
    let results = try evaluate(op, test.inputs, outputs: test.expected.map { $0 != nil })
    if op.isRandom {
      #expect(results == nil, "a random operator is no constant")
    } else {
      expect(try #require(results, "a shape is not known"), test, "constant")
    }
  }

  @Test(arguments: operatorCases) func inputsThatOnlyARunKnows(_ test: OperatorCase) throws {
    let op = try test.makeOperator()
    let wanted = test.expected.map { $0 != nil }
    var plain = PlainRun()
    let whole = try plain.run(op, test.inputs, outputs: wanted)
    expect(whole, test, "at run time")
    var split = PlainRun(chunk: 1)
    let pieces = try split.run(op, test.inputs, outputs: wanted)
    for (a, b) in zip(whole, pieces) where a?.count != 0 {
      #expect(a?.elements == b?.elements, "the split changes the result")
    }
  }

  @Test(arguments: operatorCases) func outputsOverInputs(_ test: OperatorCase) throws {
    let op = try test.makeOperator()
    let wanted = test.expected.map { $0 != nil }
    var first = PlainRun()
    _ = try first.run(op, test.inputs, outputs: wanted)
    for pair in first.reusable {
      var run = PlainRun(reuses: pair.input, chunk: 3)
      expect(try run.run(op, test.inputs, outputs: wanted), test, "over input \(pair.input)")
    }
  }

  /// With a symbol for every dimension nothing is refused, and what is said of the outputs is true.
  @Test(arguments: operatorCases) func symbolicShapes(_ test: OperatorCase) throws {
    let op = try test.makeOperator()
    let facts = test.inputs.enumerated().map { i, tensor in
      tensor.map { tensor in
        Fact(tensor.dtype, Shape(tensor.shape.indices.map { .symbol("x\(i)_\($0)") }))
      }
    }
    try infer(op, facts, test)
    try infer(op, test.inputs.map { $0.map { Fact($0.dtype, nil) } }, test)
  }

  private func infer(_ op: any Operator, _ facts: [Fact?], _ test: OperatorCase) throws {
    var count = 0
    var inference = Inference(
      inputs: facts, outputNames: test.expected.map { $0 == nil ? nil : "y" },
      makeSymbol: { name in
        count += 1
        return .symbol("\(name)_\(count)")
      })
    try op.infer(&inference)
    for (fact, expected) in zip(inference.outputs, test.expected) {
      guard let expected else { continue }
      let fact = try #require(fact)
      #expect(fact.dtype == expected.dtype)
      guard let shape = fact.shape else { continue }
      #expect(shape.rank == expected.shape.count)
      for (dim, number) in zip(shape.dims, expected.shape) {
        #expect(dim.value == nil || dim.value == number, "\(shape.text)")
      }
    }
  }

  private func expect(_ found: [Tensor?], _ test: OperatorCase, _ how: String) {
    for (i, expected) in test.expected.enumerated() {
      expectEqual(found[at: i] ?? nil, expected, test.tolerance, "output \(i), \(how)")
    }
  }
}
