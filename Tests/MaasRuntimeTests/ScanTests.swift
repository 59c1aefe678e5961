import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasRuntime

@Suite struct ScanTests {
  /// sum += x; the sums so far are collected.
  private func runningSums(_ attributes: [Attribute] = []) throws -> Graph {
    var body = Graph("body")
    let (sum, x) = (body.input("sum"), body.input("x"))
    let next = body.node(add, sum, x)
    body.outputs = [next, next]
    var graph = Graph("sums")
    let inputs = [graph.input("start"), graph.input("x")]
    let scan = try make(
      Scan.self, [Attribute("body", .graph(body)), Attribute("num_scan_inputs", .int(1))] + attributes,
      outputs: 2)
    graph.outputs = graph.nodes(scan, inputs, outputs: 2)
    return graph
  }

  /// x[t, k] = t + 10 k for t < 4, k < 3.
  private func table() throws -> Datum { try .numbers([4, 3], tabulated { t, k in t + 10 * k }) }

  /// A function of t < 4 and k < 3.
  private func tabulated(_ element: (Int64, Int64) -> Int64) -> [Int64] {
    var elements: [Int64] = []
    for t in 0..<4 as Range<Int64> {
      for k in 0..<3 as Range<Int64> { elements.append(element(t, k)) }
    }
    return elements
  }

  private func zeros(_ count: Int) throws -> Datum {
    try .numbers([count], Array(repeating: 0, count: count))
  }

  @Test func sumsUpAlongTheFirstAxis() throws {
    let results = try makeExecutable(try runningSums()).results([zeros(3), table()])
    // The sum of t + 10 k for t' <= t is t (t + 1) / 2 + 10 k (t + 1).
    let expected = tabulated { t, k in t * (t + 1) / 2 + 10 * k * (t + 1) }
    #expect(results[0].int64s == Array(expected.suffix(3)))
    #expect(results[1].int64s == expected)
    #expect(results[1].tensor?.shape == [4, 3])
  }

  @Test func goesBackwardsAlongAnyAxis() throws {
    let graph = try runningSums([
      Attribute("scan_input_axes", .ints([1])), Attribute("scan_input_directions", .ints([1])),
      Attribute("scan_output_axes", .ints([-1])), Attribute("scan_output_directions", .ints([1])),
    ])
    let results = try makeExecutable(graph).results([zeros(4), table()])
    // From k = 2 down to k: the sum of t + 10 k' is (3 - k) t + 10 (k + ... + 2).
    #expect(results[1].int64s == tabulated { t, k in (3 - k) * t + 10 * (3 - k) * (k + 2) / 2 })
    #expect(results[1].tensor?.shape == [4, 3])
    #expect(results[0].int64s == (0..<4).map { Int64(3 * $0 + 30) })
  }

  @Test func noSlicesLeaveTheState() throws {
    let results = try makeExecutable(try runningSums()).results([
      .numbers([2], [5, 6]), .numbers([0, 2], []),
    ])
    #expect(results[0].int64s == [5, 6])
    #expect(results[1].tensor?.shape.first == 0)
  }

  @Test func aStaticBodyAllocatesNothingPerSlice() throws {
    let executable = makeExecutable(try runningSums())
    func allocations(_ n: Int) throws -> Int {
      let ones = Array(repeating: Int64(1), count: n)
      let results = try executable.results([.number(0), .numbers([n], ones)])
      #expect(results[0].int64s == [Int64(n)])
      return executable.statistics.allocations
    }
    for n in [10, 1000] { _ = try allocations(n) }
    #expect(try allocations(10) == allocations(1000))
  }
}
