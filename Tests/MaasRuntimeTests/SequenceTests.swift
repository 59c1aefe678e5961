import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasRuntime

@Suite struct SequenceTests {
  private let numbers = Container.sequence(of: nil)

  /// [[0], [0, 1], [0, 1, 2], ...] is put behind what is there.
  private func growing() throws -> Graph {
    let body = try loopBody { body, i in
      let list = body.input("list", container: numbers)
      let end = body.node(add, i, try body.number(1))
      let range = body.node(try make(RangeOperator.self), try body.number(0), end, try body.number(1))
      return (nil, [body.node(try make(SequenceInsert.self), list, range)])
    }
    var graph = Graph("growing")
    let (times, list) = (graph.input("times"), graph.input("list", container: numbers))
    graph.outputs = try graph.loop(body, times: times, carried: [list])
    return graph
  }

  @Test(arguments: [0, 1, 5, 200] as [Int64]) func sequencesGrowInLoops(n: Int64) throws {
    let executable = makeExecutable(try growing())
    for start in [[], [42]] as [[Int64]] {
      let list = try Datum.sequence(start.map { try .number($0) })
      let result = try executable.results([.number(n), list])[0].elements
      #expect(result.map { $0.int64s } == start.map { [$0] } + (1..<n + 1).map { Array(0..<$0) })
    }
  }

  /// What else holds a sequence keeps it as it was: a second carried value, the graph around the body.
  @Test(arguments: [1, 2, 7] as [Int64]) func sharedSequencesStayAsTheyAre(n: Int64) throws {
    let body = try loopBody { body, i in
      let (list, _) = (body.input("list", container: numbers), body.input("before", container: numbers))
      let around = body.capture("around", container: numbers)
      let longer = body.node(try make(SequenceInsert.self), list, i)
      let other = body.node(try make(SequenceInsert.self), around, i)
      let short = body.node(try make(SequenceErase.self, inputs: 1), longer)
      return (
        nil,
        [
          longer, list, body.node(try make(SequenceLength.self, inputs: 1), other),
          body.node(
            try make(SequenceLength.self, inputs: 1), short),
        ]
      )
    }
    var graph = Graph("sharing")
    let (times, list) = (graph.input("times"), graph.input("list", container: numbers))
    graph.outputs = try graph.loop(body, times: times, carried: [list, list], captured: [list]) + [list]
    let executable = makeExecutable(graph)
    for _ in 0..<2 {
      let results = try executable.results([.number(n), .sequence([.number(42)])])
      let all = [[42]] + (0..<n).map { [$0] }
      #expect(results[0].elements.map { $0.int64s } == all)
      #expect(results[1].elements.map { $0.int64s } == Array(all.dropLast()))
      #expect(results[2].int64s == Array(repeating: 2, count: Int(n)))
      #expect(results[3].int64s == (0..<n).map { $0 + 1 })
      #expect(results[4].elements.map { $0.int64s } == [[42]])
    }
  }

  @Test func boundSequencesStayAsTheyAre() throws {
    let executable = makeExecutable(try growing())
    let binding = Binding(executable)
    try binding.setInput(0, .number(3))
    try binding.setInput(1, .sequence([.number(42)]))
    for _ in 0..<3 {
      try binding.run()
      #expect(try binding.datum(0).elements.map { $0.int64s } == [[42], [0], [0, 1], [0, 1, 2]])
    }
  }

  @Test func resultsKeepNothingOfInputsConstantsAndEachOther() throws {
    var graph = Graph("sharing")
    let list = graph.input("list", container: numbers)
    let constant = try graph.number(7)
    let made = graph.node(try make(SequenceInsert.self), list, constant)
    graph.outputs = [list, made, made]
    let executable = makeExecutable(graph)
    let x = try Tensor.int64([1], [1])
    func run() throws -> [[Datum]] { try executable.results([.sequence([.tensor(x)])]).map { $0.elements } }
    for tensor in try run().joined() { tensor.tensor?.bytes.storeBytes(of: -1, as: Int64.self) }
    #expect(x.int64s == [1])
    let again = try run()
    again[1][1].tensor?.bytes.storeBytes(of: -1, as: Int64.self)
    #expect(again.map { $0.map { $0.int64s } } == [[[1]], [[1], [-1]], [[1], [7]]])
  }

  @Test func stringsAreCarriedAndStacked() throws {
    let body = try loopBody { body, i in
      let (last, names) = (body.input("last", .string), body.capture("names", .string))
      let name = body.node(try make(Gather.self), names, i)
      return (nil, [name, last])
    }
    var graph = Graph("strings")
    let (times, names) = (graph.input("times"), graph.input("names", .string))
    let first = graph.addConstant("first", try Tensor([], strings: ["start"]))
    graph.outputs = try graph.loop(body, times: times, carried: [first], captured: [names])
    let words = ["", "a", "Zoë", "日本", String(repeating: "long ", count: 20)]
    let executable = makeExecutable(graph)
    for n in 1...words.count {
      let results = try executable.results([
        .number(Int64(n)), .tensor(try Tensor([words.count], strings: words)),
      ])
      #expect(results[0].tensor?.strings == [words[n - 1]])
      #expect(results[1].tensor?.strings == ["start"] + words[..<(n - 1)])
    }
  }

  /// y[k] = a[k] * b[k] + c, with sequences a and b and a tensor c; d is captured.
  @Test func mapsOverSequences() throws {
    var body = Graph("body")
    let (a, b, c, d) = (body.input("a"), body.input("b"), body.input("c"), body.capture("d"))
    body.outputs = [body.node(add, body.node(add, body.node(multiply, a, b), c), d)]
    var graph = Graph("map")
    let inputs =
      ["a", "b"].map { graph.input($0, container: numbers) } + [graph.input("c"), graph.input("d")]
    let map = try make(SequenceMap.self, [Attribute("body", .graph(body))], inputs: 3)
    graph.outputs = graph.nodes(map, inputs, outputs: 1)
    let executable = makeExecutable(graph)
    func sequence(_ lists: [[Int64]]) throws -> Datum {
      .sequence(try lists.map { try .numbers([$0.count], $0) })
    }
    let a3 = try sequence([[1, 2], [3], []])
    let tensors: [Datum] = [try .number(100), try .number(1000)]
    let results = try executable.results([a3, a3] + tensors)
    #expect(results[0].elements.map { $0.int64s } == [[1101, 1104], [1109], []])
    #expect(try executable.results([.sequence([]), .sequence([])] + tensors)[0].elements.isEmpty)
    let error = try #require(throws: MaasError.self) {
      _ = try executable.results([a3, try sequence([[1]])] + tensors)
    }
    #expect(error.code == .shapeMismatch)
  }

  @Test func aSequenceOfAnotherTypeIsRefusedByName() throws {
    var graph = Graph("length")
    let list = graph.input("list", container: numbers)
    graph.outputs = [graph.node(try make(SequenceLength.self), list)]
    let executable = makeExecutable(graph)
    let mixed: [Datum] = [.tensor(try Tensor(.float, [1], [Float(1)])), try .number(1)]
    let error = try #require(throws: MaasError.self) { _ = try executable.results([.sequence(mixed)]) }
    #expect(error.code == .typeMismatch)
    #expect(error.message.contains("'list'"))
    #expect(error.message.contains("expected seq(tensor(int64)), found seq(tensor(float) and tensor(int64))"))
  }
}
