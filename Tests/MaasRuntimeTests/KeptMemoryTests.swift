import MaasCore
import MaasGraph
import Testing

@testable import MaasRuntime

/// What an executable keeps for the next run is bounded.
@Suite struct KeptMemoryTests {
  private final class Watched {
    private(set) weak var context: RunContext?
    init(_ context: RunContext) { self.context = context }
  }

  /// How many of four contexts that were in use at once stay, when each has an arena of eight times `elements` bytes.
  private func kept(_ elements: Int) throws -> Int {
    var graph = Graph("large")
    let x = graph.addInput("x", .int64, Shape([elements]))
    graph.outputs = graph.add(AddThroughTemporary(), [x, x], name: "y")
    let executable = makeExecutable(graph)
    let types = [DatumType.tensor(.int64, [elements])]
    var contexts: [RunContext] = []
    for _ in 0..<4 { contexts.append(try executable.checkOut(types, [true])) }
    let watched = contexts.map { Watched($0) }
    while let context = contexts.popLast() { executable.checkIn(context) }
    return watched.count { $0.context != nil }
  }

  /// The plan cache of these tests may hold a megabyte.
  @Test(arguments: [(1000, 4), (50_000, 2), (100_000, 1), (500_000, 1)]) func contexts(
    elements: Int, expected: Int
  ) throws {
    #expect(try kept(elements) == expected)
  }

  @Test func anEraEndsWhenItsPlansAreTooMany() {
    let family = PlanFamily(byteLimit: 1 << 20)
    family.add(level: 0, arenaBytes: 8, chainBytes: 8)
    for _ in 0..<256 { family.add(level: 1, arenaBytes: 1, chainBytes: 9) }
    #expect(family.era == 0)
    #expect(family.arenaBytes == 264)
    family.add(level: 1, arenaBytes: 1, chainBytes: 9)
    #expect(family.era == 1)
    #expect(family.arenaBytes == 9)
  }

  @Test func aChainIsNeverTooLarge() {
    let family = PlanFamily(byteLimit: 100)
    for level in 0..<1000 { family.add(level: level, arenaBytes: 80, chainBytes: 80 * (level + 1)) }
    #expect(family.era == 0)
    family.add(level: 999, arenaBytes: 80, chainBytes: 80_000)
    #expect(family.era == 0)
    family.add(level: 999, arenaBytes: 80, chainBytes: 80_000)
    #expect(family.era == 1)
  }
}
