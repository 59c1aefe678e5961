import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasRuntime

/// Outputs bound to the memory of an input.
@Suite struct OverwritingTests {
  /// Runs once with the first output where x is; returns x and the other outputs afterwards, and how many were copied.
  private func run(_ build: (inout Graph, ValueID, ValueID) -> [ValueID]) throws -> (
    x: [Float], others: [[Float]], copied: Int
  ) {
    var graph = Graph("in place")
    let ids = ["x", "y"].map { graph.addInput($0, .float, Shape([4])) }
    graph.outputs = build(&graph, ids[0], ids[1])
    let executable = Executable(
      graph, weights: WeightCache(graph),
      options: ExecutionOptions(threads: 2, memoryLimit: 1 << 30, planCacheLimit: 1 << 20))
    let binding = Binding(executable)
    let x = try Tensor(.float, [4], [Float(1), 2, 3, 4])
    try binding.setInput(0, x)
    try binding.setInput(1, try Tensor(.float, [4], [Float(10), 20, 30, 40]))
    try binding.setOutput(0, .tensor(x))
    try binding.run()
    let others = try graph.outputs.indices.dropFirst().map { try binding.output($0).elements(as: Float.self) }
    return (x.elements(as: Float.self), others, binding.copiedOutputs)
  }

  @Test func whatIsWrittenAfterTheLastReaderIsNotCopied() throws {
    let found = try run { (graph, x, y) in
      let product = graph.add(Binary(.mul), [x, y], name: "product")[0]
      return [graph.add(Unary(.neg), [product], name: "negated")[0]]
    }
    #expect(found.x == [-10, -40, -90, -160] && found.copied == 0)
  }

  /// The operator says that it reads an element before it writes it.
  @Test func theLastReaderMayWriteWhatItReads() throws {
    let found = try run { (graph, x, y) in [graph.add(Binary(.add), [x, y], name: "sum")[0]] }
    #expect(found.x == [11, 22, 33, 44] && found.copied == 0)
  }

  @Test func whatIsReadLaterIsCopied() throws {
    let found = try run { (graph, x, y) in
      let sum = graph.add(Binary(.add), [x, y], name: "sum")[0]
      return [sum, graph.add(Binary(.mul), [x, sum], name: "product")[0]]
    }
    #expect(found.x == [11, 22, 33, 44] && found.others == [[11, 44, 99, 176]] && found.copied == 1)
  }

  /// What is computed in an output's memory on the way counts as writing it.
  @Test func anEarlierResultInTheOutputsMemoryIsNoneOverTheInput() throws {
    let found = try run { (graph, x, y) in
      let negated = graph.add(Unary(.neg), [y], name: "negated")[0]
      let sum = graph.add(Binary(.add), [negated, x], name: "sum")[0]
      return [graph.add(Unary(.neg), [sum], name: "result")[0]]
    }
    #expect(found.x == [9, 18, 27, 36])
  }
}
