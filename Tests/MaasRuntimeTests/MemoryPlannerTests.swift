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
      random.block(i, first: i * 3 / 4, of: count)
    }
    let layout = try layout(blocks)
    #expect(10 * layout.byteCount <= 11 * ArenaLayout.leastBytes(blocks))
  }

  /// So many that they are placed piece by piece of time; as above, in chains, and of a training, whose activations are
  /// read again in the opposite order.
  @Test(arguments: 0..<3) func thousandsOfBlocksTakeLittleMoreThanTheLeast(kind: Int) throws {
    let count = 10_000
    var random = Numbers(state: UInt64(kind))
    let blocks = (0..<count).map { i in
      switch kind {
      case 0: random.block(i, first: i * 3 / 4, of: count)
      case 1: ArenaBlock(buffer: i, first: i, last: i + 1 + i % 7, byteCount: 64 + 64 * (i % 5))
      default:
        ArenaBlock(
          buffer: i, first: i, last: i % 3 == 0 ? max(i, count - i) : i + random.next(3),
          byteCount: 64 + 64 * random.next(4000))
      }
    }
    let layout = try #require(ArenaLayout(blocks, limit: 1 << 40))
    var busy: [(last: Int, begin: Int, end: Int)] = []
    for block in blocks {
      let begin = try #require(layout.offsets[block.buffer])
      busy.removeAll { $0.last < block.first }
      #expect(busy.allSatisfy { $0.end <= begin || begin + block.byteCount <= $0.begin })
      busy.append((block.last, begin, begin + block.byteCount))
    }
    #expect(10 * layout.byteCount <= 11 * ArenaLayout.leastBytes(blocks))
    #expect(layout.leastBytes == ArenaLayout.leastBytes(blocks))
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

  /// One of `count`; some live long.
  mutating func block(_ buffer: Int, first: Int, of count: Int) -> ArenaBlock {
    let life = next(8) == 0 ? next(count) : next(4)
    let bytes = 64 << next(10) + 64 * next(16)
    return ArenaBlock(buffer: buffer, first: first, last: min(first + life, count), byteCount: bytes)
  }
}
