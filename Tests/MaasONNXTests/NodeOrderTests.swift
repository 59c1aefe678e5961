import MaasCore
import Testing

@testable import MaasONNX

@Suite struct NodeOrderTests {
  private func order(_ graph: GraphProto) throws -> [Int] {
    let source = try ModelSource(storage: .allocate(1), folder: nil)
    return try NodeOrder(graph.nodes, source, defined: []).sorted()
  }

  @Test func sortedGraphsStayAsTheyAre() throws {
    let nodes = [node("A", ["x"], ["a"]), node("C", ["x"], ["c"]), node("B", ["a", "", "x"], ["b", ""])]
    #expect(try order(graph(nodes, outputs: ["b"])) == [0, 1, 2])
  }

  @Test func unsortedGraphsAreSorted() throws {
    let nodes = [node("C", ["b"], ["c"]), node("B", ["a"], ["b"]), node("A", ["x"], ["a"])]
    #expect(try order(graph(nodes, outputs: ["c"])) == [2, 1, 0])
  }

  /// A body that reads a value makes its node depend on the value's maker, through any number of bodies.
  @Test func bodiesCount() throws {
    func holding(_ body: GraphProto) -> NodeProto {
      var attribute = AttributeProto()
      attribute.name = Blob("body")
      attribute.graph = Box(body)
      var owner = node("Loop", [], ["out"])
      owner.attributes = [attribute]
      return owner
    }
    let inner = graph([node("B", ["a", "local"], ["b"])], inputs: [value("local")], outputs: ["b"])
    let outer = graph([holding(inner)], outputs: ["out"])
    #expect(try order(graph([holding(outer), node("A", ["x"], ["a"])], outputs: ["out"])) == [1, 0])
    let shadowed = graph([node("A", ["x"], ["a"])], outputs: ["a"])
    #expect(try order(graph([holding(shadowed), node("A", ["x"], ["a"])], outputs: ["out"])) == [0, 1])
  }

  @Test func cyclesAreNamed() {
    let nodes = [
      node("S", ["x"], ["s"]), node("A", ["s", "c"], ["a"], name: "first"), node("B", ["a"], ["b"]),
      node("C", ["b"], ["c"], name: "last"), node("E", ["c"], ["e"]),
    ]
    let error = #expect(throws: MaasError.self) { try order(graph(nodes, outputs: ["e"])) }
    #expect(
      error?.message == "the nodes 'B_2' -> 'last' -> 'first' form a cycle; "
        + "a node may only read what earlier nodes made")
    let one = #expect(throws: MaasError.self) { try order(graph([node("A", ["a"], ["a"])], outputs: ["a"])) }
    #expect(one?.problem == "the nodes 'A_0' form a cycle")
  }

  /// Long chains against the order of the file, and long cycles, take no more than linear time.
  @Test func longChains() throws {
    let count = 20000
    let chain = (0..<count).map { node("A", ["v\($0 + 1)"], ["v\($0)"]) }
    #expect(try order(graph(chain, outputs: ["v0"])) == (0..<count).reversed())
    let circle = (0..<count).map { node("A", ["v\(($0 + 1) % count)"], ["v\($0)"]) }
    let error = #expect(throws: MaasError.self) { try order(graph(circle, outputs: ["v0"])) }
    #expect(error?.problem.contains("form a cycle") == true)
  }
}
