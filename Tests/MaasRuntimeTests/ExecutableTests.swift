import CMaasSystem
import MaasCore
import MaasGraph
import Testing

@testable import MaasRuntime

@Suite struct ExecutableTests {
  private let all: [OutputTarget?] = [.allocated(keep: false)]

  private func chain(_ length: Int, grain: Int = .max) -> Graph {
    var graph = Graph("chain")
    var value = graph.addInput("x", .int64, Shape([.symbol("n")]))
    for i in 0..<length { value = graph.add(AddNumber(1, grain: grain), [value], name: "n\(i)")[0] }
    graph.outputs = [value]
    return graph
  }

  @Test func runsAChain() throws {
    let executable = makeExecutable(chain(5))
    let y = try executable.run([.int64([3], [1, 2, 3])], all)
    #expect(y[0]?.int64s == [6, 7, 8])
    #expect(y[0]?.shape == [3])
  }

  @Test func aChainOfInPlaceStepsNeedsNoArena() throws {
    let executable = makeExecutable(chain(5))
    _ = try executable.run([.int64([3], [1, 2, 3])], all)
    #expect(executable.statistics.arenaBytes == 0)
    #expect(executable.statistics.steps == 5)
  }

  /// More buffers than are compared with each other: outputs and temporaries take turns in a few places.
  @Test func largeGraphsReuseMemory() throws {
    var graph = Graph("large")
    let x = graph.addInput("x", .int64, Shape([100]))
    var value = x
    for i in 0..<5000 { value = graph.add(AddThroughTemporary(), [value, x], name: "n\(i)")[0] }
    graph.outputs = [value]
    let executable = makeExecutable(graph)
    let y = try executable.run([.int64([100], Array(repeating: 3, count: 100))], all)
    #expect(y[0]?.int64s == Array(repeating: 3 * 5001, count: 100))
    #expect(executable.statistics.arenaBytes <= 4 * 1024)
  }

  @Test(arguments: [1, 2, 5]) func splitsStepsOverThreads(threads: Int) throws {
    let executable = makeExecutable(chain(20, grain: 7), threads: threads)
    let x = (0..<10_001).map { Int64($0) }
    for _ in 0..<50 {
      let y = try executable.run([.int64([x.count], x)], all)
      #expect(y[0]?.int64s == x.map { $0 + 20 })
    }
  }

  @Test func inputsAreNeverWritten() throws {
    let x = try Tensor.int64([2], [10, 20])
    _ = try makeExecutable(chain(3)).run([x], all)
    #expect(x.int64s == [10, 20])
  }

  @Test func outputsThatAreInputsConstantsOrTwiceTheSameAreCopied() throws {
    var graph = Graph("outputs")
    let x = graph.addInput("x", .int64, Shape([2]))
    let c = graph.addConstant("c", try .int64([1], [42]))
    let y = graph.add(AddNumber(1), [x], name: "y")[0]
    graph.outputs = [x, c, y, y]
    let results = try makeExecutable(graph).run(
      [.int64([2], [1, 2])], Array(repeating: .allocated(keep: false), count: 4))
    #expect(results.map { $0?.int64s } == [[1, 2], [42], [2, 3], [2, 3]])
  }

  @Test func unwantedOutputsAreNotComputed() throws {
    var graph = Graph("wanted")
    let x = graph.addInput("x", .int64, Shape([2]))
    let bad = graph.add(Fail(), [x], name: "bad")[0]
    let good = graph.add(AddNumber(1), [x], name: "good")[0]
    graph.outputs = [bad, good]
    let results = try makeExecutable(graph).run([.int64([2], [1, 2])], [nil, .allocated(keep: false)])
    #expect(results[1]?.int64s == [2, 3])
  }

  @Test func temporariesDoNotOverlapWhatIsAlive() throws {
    var graph = Graph("temporaries")
    let x = graph.addInput("x", .int64, Shape([.symbol("n")]))
    let a = graph.add(AddNumber(1), [x], name: "a")[0]
    let b = graph.add(AddThroughTemporary(), [a, x], name: "b")[0]
    let c = graph.add(AddThroughTemporary(), [b, a], name: "c")[0]
    graph.outputs = [c]
    let y = try makeExecutable(graph).run([.int64([2], [1, 10])], all)
    #expect(y[0]?.int64s == [5, 32])
  }

  @Test func shapesKnownFromShapesAreFolded() throws {
    var graph = Graph("shape")
    let x = graph.addInput("x", .int64, Shape([.symbol("a"), .symbol("b")]))
    let flat = graph.addInput("flat", .int64, Shape([.symbol("c")]))
    let shape = graph.add(ShapeOf(), [x], name: "shape")[0]
    graph.outputs = [graph.add(ReshapeTo(), [flat, shape], name: "y")[0]]
    let executable = makeExecutable(graph)
    let y = try executable.run([.int64([2, 1], [0, 0]), .int64([2], [5, 6])], all)
    #expect(y[0]?.shape == [2, 1])
    #expect(y[0]?.int64s == [5, 6])
  }

  @Test func aShapeComputedByTheRunEndsThePlanAndIsRead() throws {
    var graph = Graph("dynamic")
    let x = graph.addInput("x", .int64, Shape([4]))
    let sizes = graph.addInput("sizes", .int64, Shape([2]))
    let doubled = graph.add(AddNumber(1), [sizes], name: "sizes1")[0]
    let a = graph.add(AddNumber(1), [x], name: "a")[0]
    let y = graph.add(ReshapeTo(), [a, doubled], name: "y")[0]
    graph.outputs = [graph.add(AddThroughTemporary(), [y, y], name: "z")[0]]
    let executable = makeExecutable(graph)
    for (sizes, shape) in [([1, 1], [2, 2]), ([3, 0], [4, 1]), ([1, 1], [2, 2])] {
      let z = try executable.run([.int64([4], [1, 2, 3, 4]), .int64([2], sizes.map { Int64($0) })], all)
      #expect(z[0]?.shape == shape)
      #expect(z[0]?.int64s == [4, 6, 8, 10])
    }
  }

  private func choice() -> Graph {
    func body(_ bias: Int64) -> Graph {
      var body = Graph("body")
      let captured = body.addInput("captured", .int64, Shape([2]))
      body.captureCount = 1
      body.outputs = [body.add(AddNumber(bias), [captured], name: "y")[0]]
      return body
    }
    var graph = Graph("choice")
    let condition = graph.addInput("condition", .int64, Shape([Int]()))
    let x = graph.addInput("x", .int64, Shape([2]))
    let a = graph.add(AddNumber(1), [x], name: "a")[0]
    let b = graph.add(AddNumber(2), [x], name: "b")[0]
    let y = graph.add(Choose(body(100), body(200)), [condition, a, b], name: "y")[0]
    graph.outputs = [graph.add(AddThroughTemporary(), [y, a], name: "z")[0]]
    return graph
  }

  @Test func aBranchIsChosenByDataAtEachRun() throws {
    let executable = makeExecutable(choice())
    for (flag, expected) in [(1, [104, 106]), (0, [205, 207]), (1, [104, 106])] as [(Int64, [Int64])] {
      let z = try executable.run([.int64([], [flag]), .int64([2], [1, 2])], all)
      #expect(z[0]?.int64s == expected)
    }
  }

  @Test func aFailingStepNamesItsNode() throws {
    var graph = Graph("fail")
    let x = graph.addInput("x", .int64, Shape([2]))
    graph.outputs = [graph.add(Fail(), [x], name: "culprit")[0]]
    let error = try #require(throws: MaasError.self) {
      _ = try makeExecutable(graph).run([.int64([2], [1, 2])], all)
    }
    #expect(error.code == .outOfRange)
    #expect(error.message == "node 'culprit' (Fail): an index is out of range: expected -3..2, found 7")
  }

  @Test func wrongInputsAreRefused() throws {
    var graph = Graph("inputs")
    graph.outputs = [
      graph.add(AddNumber(1), [graph.addInput("x", .int64, Shape([.symbol("n"), .known(2)]))], name: "y")[0]
    ]
    let executable = makeExecutable(graph)
    func code(_ tensor: Tensor) -> MaasError.Code? {
      do throws(MaasError) {
        _ = try executable.run([tensor], all)
        return nil
      } catch { return error.code }
    }
    #expect(code(try Tensor(.float, [1, 2], [Float(1), 2])) == .typeMismatch)
    #expect(code(try .int64([2], [1, 2])) == .shapeMismatch)
    #expect(code(try .int64([1, 3], [1, 2, 3])) == .shapeMismatch)
    #expect(code(try .int64([2, 2], [1, 2, 3, 4])) == nil)
  }

  @Test func aSymbolHasOneSizeInARun() throws {
    var graph = Graph("symbol")
    let inputs = ["a", "b"].map { graph.addInput($0, .int64, Shape([.symbol("n")])) }
    graph.outputs = [graph.add(AddThroughTemporary(), inputs, name: "y")[0]]
    let executable = makeExecutable(graph)
    let error = try #require(throws: MaasError.self) {
      _ = try executable.run([.int64([1], [1]), .int64([3], [1, 2, 3])], all)
    }
    #expect(error.code == .shapeMismatch)
    #expect(error.message.contains("tensor 'b': dimension 'n' has two values"))
    _ = try executable.run([.int64([2], [1, 2]), .int64([2], [3, 4])], all)
  }

  @Test func theMemoryLimitIsKept() throws {
    var graph = Graph("memory")
    let x = graph.addInput("x", .int64, Shape([.symbol("n")]))
    let a = graph.add(AddNumber(1), [x], name: "a")[0]
    graph.outputs = [graph.add(AddThroughTemporary(), [a, x], name: "b")[0]]
    let executable = makeExecutable(graph, memoryLimit: 2048)
    _ = try executable.run([.int64([8], Array(repeating: 1, count: 8))], all)
    let error = try #require(throws: MaasError.self) {
      _ = try executable.run([.int64([200], Array(repeating: 1, count: 200))], all)
    }
    #expect(error.code == .limitExceeded)
  }

  @Test func cancelAndDeadlineEndARun() throws {
    let executable = makeExecutable(chain(3))
    let x = try Tensor.int64([1], [1])
    var flag: Int64 = 1
    let cancelled = try #require(throws: MaasError.self) {
      try withUnsafePointer(to: &flag) { _ = try executable.run([x], all, limits: RunLimits(cancel: $0)) }
    }
    #expect(cancelled.code == .cancelled)
    let late = try #require(throws: MaasError.self) {
      _ = try executable.run([x], all, limits: RunLimits(deadline: maas_sys_now_ns() - 1))
    }
    #expect(late.code == .deadlineExceeded)
  }

  @Test func manyShapesKeepThePlanCacheBounded() throws {
    let executable = makeExecutable(chain(3))
    for n in 1...200 { _ = try executable.run([.int64([n], Array(repeating: 1, count: n))], all) }
    #expect(executable.statistics.plans <= 64)
    #expect(executable.statistics.runs == 200)
  }

  @Test func manyThreadsShareOneExecutable() async throws {
    let executable = makeExecutable(chain(10, grain: 64), threads: 2)
    await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          (0..<100).allSatisfy { _ in
            let n = 100 + task * 50
            let x = Array(repeating: Int64(task), count: n)
            let y = try? executable.run([.int64([n], x)], [.allocated(keep: false)])
            return y?[0]?.int64s == x.map { $0 + 10 }
          }
        }
      }
      for await same in group { #expect(same) }
    }
  }

  @Test func aBindingReusesItsOutput() throws {
    let binding = Binding(makeExecutable(chain(2)))
    let x = try Tensor.int64([2], [1, 2])
    try binding.setInput(0, x)
    try binding.run()
    let y = try binding.output(0)
    #expect(y.int64s == [3, 4])
    x.bytes.storeBytes(of: 10, as: Int64.self)
    try binding.run()
    #expect(y.int64s == [12, 4])
    try binding.setInput(0, .int64([3], [1, 2, 3]))
    try binding.run()
    #expect(try binding.output(0).int64s == [3, 4, 5])
  }

  @Test func aBoundBufferThatIsTooSmallIsRefused() throws {
    let binding = Binding(makeExecutable(chain(2)))
    try binding.setInput(0, .int64([2], [1, 2]))
    let buffer = UnsafeMutableRawPointer.allocate(byteCount: 16, alignment: 8)
    defer { buffer.deallocate() }
    try binding.setOutput(0, .memory(buffer, byteCount: 15))
    let error = try #require(throws: MaasError.self) { try binding.run() }
    #expect(error.code == .bufferTooSmall)
    try binding.setOutput(0, .memory(buffer, byteCount: 16))
    try binding.run()
    #expect(buffer.load(fromByteOffset: 8, as: Int64.self) == 4)
  }
}
