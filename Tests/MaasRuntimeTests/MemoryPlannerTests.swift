import Testing

@testable import MaasRuntime

@Suite struct MemoryPlannerTests {
  @Test func gapsAreFilledFromBelow() {
    #expect(ArenaLayout.firstGap([], 64) == 0)
    #expect(ArenaLayout.firstGap([(0, 64), (128, 192)], 64) == 64)
    #expect(ArenaLayout.firstGap([(128, 192), (0, 64)], 128) == 192)
    #expect(ArenaLayout.firstGap([(64, 128), (0, 96)], 64) == 128)
  }
}
