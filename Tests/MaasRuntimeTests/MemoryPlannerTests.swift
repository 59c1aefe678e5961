import MaasCore
import MaasGraph
import Testing

@testable import MaasRuntime

@Suite struct MemoryPlannerTests {
  private func layout(_ blocks: [ArenaBlock]) throws -> ArenaLayout {
    let layout = try #require(ArenaLayout(blocks, limit: 1 << 40))
    for (i, a) in blocks.enumerated() {
      let begin = try #require(layout.offsets[a.buffer])
      #expect(begin >= 0 && begin % 64 == 0 && begin + a.byteCount <= layout.byteCount)
      for b in blocks[(i + 1)...] where a.first <= b.last && b.first <= a.last {
        let other = try #require(layout.offsets[b.buffer])
        #expect(begin + a.byteCount <= other || other + b.byteCount <= begin, "\(a) and \(b) share bytes")
      }
    }
    return layout
  }

  @Test func gapsAreFilledFromBelow() throws {
    let blocks = [
      ArenaBlock(buffer: 0, first: 0, last: 2, byteCount: 256),
      ArenaBlock(buffer: 1, first: 0, last: 0, byteCount: 192),
      ArenaBlock(buffer: 2, first: 0, last: 2, byteCount: 128),
      ArenaBlock(buffer: 3, first: 1, last: 2, byteCount: 100),
      ArenaBlock(buffer: 4, first: 2, last: 2, byteCount: 1),
    ]
    let layout = try layout(blocks)
    #expect(layout.offsets == [0: 0, 1: 256, 2: 448, 3: 256, 4: 384])
    #expect(layout.byteCount == 576)
  }

  @Test func aLimitIsKept() {
    let blocks = [0, 1].map { ArenaBlock(buffer: $0, first: 0, last: 1, byteCount: 64) }
    #expect(ArenaLayout(blocks, limit: 127) == nil)
    #expect(ArenaLayout(blocks, limit: 128)?.byteCount == 128)
    #expect(ArenaLayout([], limit: 0)?.byteCount == 0)
  }

  @Test func theLeastIsTheMostAliveAtOnce() {
    let spans = [(0, 1, 640), (1, 2, 64), (2, 3, 640), (3, 9, 1280), (5, 5, 64)]
    let blocks = spans.enumerated().map {
      ArenaBlock(buffer: $0, first: $1.0, last: $1.1, byteCount: $1.2)
    }
    #expect(ArenaLayout.leastBytes(blocks) == 1920)
    #expect(ArenaLayout.leastBytes([]) == 0)
  }

  /// Lifetimes and sizes as in networks: most values die soon, some live to the end, sizes differ a thousand times.
  @Test(arguments: 0..<60) func randomBlocksTakeLittleMoreThanTheLeast(seed: UInt64) throws {
    var random = Numbers(state: seed)
    let count = [5, 10, 20, 50, 100, 200][Int(seed % 6)]
    let blocks = (0..<count).map { i in
      let first = i * 3 / 4
      let life = random.next(8) == 0 ? random.next(count) : random.next(4)
      let bytes = 64 << random.next(10) + 64 * random.next(16)
      return ArenaBlock(buffer: i, first: first, last: min(first + life, count), byteCount: bytes)
    }
    let layout = try layout(blocks)
    #expect(10 * layout.byteCount <= 11 * ArenaLayout.leastBytes(blocks))
  }

  @Test func thousandsOfBlocksAreKeptApart() throws {
    let blocks = (0..<5000).map { i in
      ArenaBlock(buffer: i, first: i, last: i + 1 + i % 7, byteCount: 64 + 64 * (i % 5))
    }
    let all = try #require(ArenaLayout(blocks, limit: 1 << 40))
    var busy: [(last: Int, begin: Int, end: Int)] = []
    for block in blocks {
      let begin = try #require(all.offsets[block.buffer])
      busy.removeAll { $0.last < block.first }
      #expect(busy.allSatisfy { $0.end <= begin || begin + block.byteCount <= $0.begin })
      busy.append((block.last, begin, begin + block.byteCount))
    }
  }

  @Test(arguments: Network.all) func networksTakeLittleMoreThanTheLeast(network: Network) throws {
    var graph = Graph(network.name)
    let x = graph.addInput("x", .float, Shape(network.input))
    graph.outputs = [try network.build(&graph, x)]
    try graph.inferValues()
    let context = PlanContext(
      weights: WeightCache(graph),
      options: ExecutionOptions(threads: 1, memoryLimit: 1 << 40, planCacheLimit: 1 << 20))
    var builder = try PlanBuilder(
      graph, inputs: [.tensor(.float, network.input)], wantedOutputs: [true], context: context)
    let plan = try builder.build()
    var liveness = Liveness(builder, keeping: [])
    liveness.mergeInPlace(builder)
    #expect(liveness.blocks.count > 10)
    #expect(plan.arenaBytes == (try layout(liveness.blocks)).byteCount)
    #expect(10 * plan.arenaBytes <= 11 * ArenaLayout.leastBytes(liveness.blocks))
  }
}

/// The generator of Numerical Recipes.
private struct Numbers {
  var state: UInt64

  mutating func next(_ bound: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int(state >> 33) % bound
  }
}
