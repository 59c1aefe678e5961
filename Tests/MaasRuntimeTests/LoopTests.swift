import CMaasSystem
import MaasCore
import MaasGraph
import MaasOps
import Testing

@testable import MaasRuntime

@Suite struct LoopTests {
  /// total += i; the squares of i are collected.
  private func sums() throws -> Graph {
    let body = loopBody { body, i in
      let total = body.input("total")
      return (nil, [body.node(add, total, i), body.node(multiply, i, i)])
    }
    var graph = Graph("sums")
    let (times, start) = (graph.input("times"), graph.input("start"))
    graph.outputs = try graph.loop(body, times: times, carried: [start])
    return graph
  }

  @Test(arguments: [0, 1, 2, 100, 3000] as [Int64]) func carriesAndCollects(n: Int64) throws {
    let executable = makeExecutable(try sums())
    for start in [0, 7] as [Int64] {
      let results = try executable.results([.number(n), .number(start)])
      #expect(results[0].int64s == [start + n * (n - 1) / 2])
      #expect(results[1].int64s == (0..<n).map { $0 * $0 })
      #expect(results[1].tensor?.shape == [Int(n)])
    }
  }

  @Test func aNegativeCountIsNone() throws {
    let results = try makeExecutable(try sums()).results([.number(-3), .number(5)])
    #expect(results.map { $0.int64s } == [[5], []])
  }

  @Test func endsByItsCondition() throws {
    let body = try loopBody { body, i in
      let (x, limit) = (body.input("x"), body.capture("limit"))
      let doubled = body.node(add, x, x)
      return (body.node(try make(.less), doubled, limit), [doubled, i])
    }
    var graph = Graph("powers")
    let (start, limit) = (graph.input("start"), graph.input("limit"))
    let goesOn = graph.node(try make(.less), start, limit)
    graph.outputs = try graph.loop(body, times: nil, while: goesOn, carried: [start], captured: [limit])
    let executable = makeExecutable(graph)
    for (limit, power, count) in [(1000, 1024, 10), (1024, 1024, 10), (2, 2, 1), (1, 1, 0)]
      as [(Int64, Int64, Int64)]
    {
      let results = try executable.results([.number(1), .number(limit)])
      #expect(results.map { $0.int64s } == [[power], Array(0..<count)])
    }
  }

  /// The sum of i * c + j over i < n, j < m, where the inner loop captures c from two graphs away.
  @Test func loopsInLoopsSeeWhatIsAround() throws {
    let inner = loopBody { body, j in
      let (total, i, c) = (body.input("total"), body.capture("i"), body.capture("c"))
      return (nil, [body.node(add, total, body.node(add, body.node(multiply, i, c), j))])
    }
    let outer = try loopBody { body, i in
      let (total, m, c) = (body.input("total"), body.capture("m"), body.capture("c"))
      return (nil, try body.loop(inner, times: m, carried: [total], captured: [i, c]))
    }
    var graph = Graph("nested")
    let (n, m, c) = (graph.input("n"), graph.input("m"), graph.input("c"))
    let zero = try graph.number(0)
    graph.outputs = try graph.loop(outer, times: n, carried: [zero], captured: [m, c])
    let executable = makeExecutable(graph)
    for (n, m, c) in [(5, 4, 10), (1, 1, 3), (6, 0, 2), (30, 20, -1)] as [(Int64, Int64, Int64)] {
      let results = try executable.results([.number(n), .number(m), .number(c)])
      #expect(results[0].int64s == [c * m * n * (n - 1) / 2 + n * m * (m - 1) / 2])
    }
  }

  /// The body of the outer loop is a branch, whose graphs differ: + i where i is even, - i where it is odd.
  @Test func branchesInLoops() throws {
    func branch(_ op: Binary) -> Graph {
      var branch = Graph("branch")
      let (total, i) = (branch.capture("total"), branch.capture("i"))
      branch.outputs = [branch.node(op, total, i)]
      return branch
    }
    let body = try loopBody { body, i in
      let total = body.input("total")
      let even = body.node(
        try make(.equal), body.node(Binary(.mod), i, try body.number(2)), try body.number(0))
      let choice = try make(
        If.self,
        [
          Attribute("then_branch", .graph(branch(add))),
          Attribute("else_branch", .graph(branch(Binary(.sub)))),
        ], inputs: 1)
      return (nil, [body.node(choice, even, total, i, total, i)])
    }
    var graph = Graph("alternating")
    let times = graph.input("times")
    let zero = try graph.number(0)
    graph.outputs = try graph.loop(body, times: times, carried: [zero])
    let executable = makeExecutable(graph)
    // 0 - 1 + 2 - 3 ... = floor(-n / 2) for an even number of terms, floor(n / 2) else
    #expect(try executable.results([.number(10)])[0].int64s == [-5])
    #expect(try executable.results([.number(11)])[0].int64s == [5])
  }

  /// What is carried has another shape after each iteration, and shapes come again with other successors.
  @Test func shapesMayChangeFromOneIterationToTheNext() throws {
    let body = try loopBody { body, i in
      _ = body.input("x")
      let sizes = body.capture("sizes")
      let size = body.node(try make(Gather.self), sizes, i)
      return (nil, [body.node(try make(RangeOperator.self), try body.number(0), size, try body.number(1))])
    }
    var graph = Graph("shapes")
    let (times, x, sizes) = (graph.input("times"), graph.input("x"), graph.input("sizes"))
    graph.outputs = try graph.loop(body, times: times, carried: [x], captured: [sizes])
    let executable = makeExecutable(graph)
    let lengths: [Int64] = [3, 2, 5, 2, 7, 2, 3, 2, 2, 2, 4]
    for n in 0...lengths.count {
      let results = try executable.results([
        .number(Int64(n)), .numbers([2], [0, 1]), .numbers([lengths.count], lengths),
      ])
      #expect(results[0].int64s == Array(0..<(n == 0 ? 2 : lengths[n - 1])))
    }
  }

  @Test func aLoopWithoutEndStopsAtTheDeadline() throws {
    let body = loopBody { body, i in (nil, [body.node(add, body.input("x"), i)]) }
    var graph = Graph("endless")
    let x = graph.input("x")
    graph.outputs = try graph.loop(body, times: nil, carried: [x])
    let executable = makeExecutable(graph)
    let error = try #require(throws: MaasError.self) {
      _ = try executable.results([.number(0)], limits: RunLimits(deadline: maas_sys_now_ns() + 2_000_000))
    }
    #expect(error.code == .deadlineExceeded)
  }

  @Test func aLoopWithoutStepsStopsAtTheDeadlineToo() throws {
    let body = loopBody { body, _ in (nil, [body.input("x")]) }
    var graph = Graph("idle")
    let x = graph.input("x")
    graph.outputs = try graph.loop(body, times: nil, carried: [x])
    let error = try #require(throws: MaasError.self) {
      _ = try makeExecutable(graph).results(
        [.number(0)], limits: RunLimits(deadline: maas_sys_now_ns() + 2_000_000))
    }
    #expect(error.code == .deadlineExceeded)
  }

  @Test func aLoopIsCancelledBetweenIterations() throws {
    let flag = UnsafeMutablePointer<Int64>.allocate(capacity: 1)
    defer { flag.deallocate() }
    flag.initialize(to: 0)
    let canceller = CancelAt(1000, flag)
    let body = loopBody { body, i in (nil, [body.node(canceller, i, body.input("x"))]) }
    var graph = Graph("cancelled")
    let x = graph.input("x")
    graph.outputs = try graph.loop(body, times: nil, carried: [x])
    let error = try #require(throws: MaasError.self) {
      _ = try makeExecutable(graph).results([.number(0)], limits: RunLimits(cancel: UnsafePointer(flag)))
    }
    #expect(error.code == .cancelled)
    #expect(canceller.calls == 1001)
  }

  @Test func aStaticBodyAllocatesNothingPerIteration() throws {
    let executable = makeExecutable(try sums())
    func allocations(_ n: Int64) throws -> Int {
      _ = try executable.results([.number(n), .number(0)])
      return executable.statistics.allocations
    }
    _ = try allocations(10)
    let few = try allocations(10)
    #expect(few > 0)
    #expect(try allocations(1000) == few)
  }

  @Test func anErrorInABodyNamesItsNodeAndLeavesTheLoopUsable() throws {
    let body = try loopBody { body, i in
      let (x, table) = (body.input("x"), body.capture("table"))
      return (nil, [body.node(add, x, body.node(try make(Gather.self), table, i))])
    }
    var graph = Graph("gather")
    let (times, table) = (graph.input("times"), graph.input("table"))
    let zero = try graph.number(0)
    graph.outputs = try graph.loop(body, times: times, carried: [zero], captured: [table])
    let executable = makeExecutable(graph)
    let numbers = try Datum.numbers([3], [5, 6, 7])
    for _ in 0..<2 {
      let error = try #require(throws: MaasError.self) { _ = try executable.results([.number(4), numbers]) }
      #expect(error.code == .outOfRange)
      #expect(error.message.contains("Gather"))
      #expect(try executable.results([.number(3), numbers])[0].int64s == [18])
    }
  }

  @Test func manyThreadsRunOneLoop() async throws {
    let executable = makeExecutable(try sums())
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for n in 1...16 as ClosedRange<Int64> {
        group.addTask {
          let results = try executable.results([.number(n * 50), .number(0)])
          return results[0].int64s == [n * 50 * (n * 50 - 1) / 2]
        }
      }
      for try await right in group { #expect(right) }
    }
  }
}

/// Hands on its second input; sets a cancel flag when the first is `count`.
private final class CancelAt: HostOperator, @unchecked Sendable {
  let name = "CancelAt"
  private let count: Int
  private let flag: UnsafeMutablePointer<Int64>
  private(set) var calls = 0

  init(_ count: Int, _ flag: UnsafeMutablePointer<Int64>) {
    self.count = count
    self.flag = flag
  }

  func infer(_ node: inout Inference) throws(MaasError) { node.setOutput(0, .int64, nil) }

  func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    calls += 1
    if try call.integer(0) == count { flag.pointee = 1 }
    return [try call.input(1)]
  }
}
