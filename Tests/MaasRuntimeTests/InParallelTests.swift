import MaasRuntime
import Synchronization
import Testing

/// However items are dealt out, each is worked on once.
@Suite struct InParallelTests {
  @Test(arguments: [2, 3, 5, 16], [1, 3, 7, 1000]) func everyItemOnce(threads: Int, grain: Int) {
    for items in [1, 2, 5, 7, 8, 9, 16, 31, 100, 1001] {
      let visits = Mutex([Int](repeating: 0, count: items))
      inParallel(items, grain: grain, threads: threads) { range in
        visits.withLock { for item in range { $0[item] += 1 } }
      }
      #expect(visits.withLock { $0 } == [Int](repeating: 1, count: items))
    }
  }
}
