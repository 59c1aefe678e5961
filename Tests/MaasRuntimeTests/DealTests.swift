import CMaasSystem
import MaasCore
import Testing

@testable import MaasRuntime

/// However items are dealt out, each is worked on once; those of a sequence a grain at a time.
@Suite struct DealTests {
  /// By item: how often it came, and how many came with it where it was the first.
  private struct Seen {
    let visits, lengths: UnsafeMutablePointer<UInt32>
  }

  private func run(_ items: Int, _ grain: Int, _ threads: Int, sequence: Int) -> (
    visits: [UInt32], longest: Int
  ) {
    let memory = UnsafeMutablePointer<UInt32>.allocate(capacity: 2 * items)
    defer { memory.deallocate() }
    memory.initialize(repeating: 0, count: 2 * items)
    withUnsafePointer(to: Seen(visits: memory, lengths: memory + items)) { seen in
      var step = maas_step()
      (step.params, step.sequence) = (UnsafeRawPointer(seen), Int64(sequence))
      (step.items, step.grain) = (Int64(items), Int64(grain))
      step.run = { step, begin, end, _ in
        guard let step else { return -1 }
        let seen = step.pointee.params.assumingMemoryBound(to: Seen.self).pointee
        for item in begin..<end { _ = maas_sys_fetch_add32(seen.visits + Int(item), 1) }
        seen.lengths[Int(begin)] = UInt32(end - begin)
        return 0
      }
      var failure = maas_worker()
      _ = runStep(
        &step, pool: ThreadPool.shared, threads: threads, scratch: Scratch(base: nil, stride: 0),
        limits: RunLimits(), failure: &failure)
    }
    let lengths = UnsafeBufferPointer(start: memory + items, count: items)
    return (Array(UnsafeBufferPointer(start: memory, count: items)), Int(lengths.max() ?? 0))
  }

  @Test(arguments: [2, 3, 5], [1, 3, 7, 1000]) func everyItemOnce(threads: Int, grain: Int) {
    for items in [1, 2, 5, 7, 8, 9, 16, 31, 100, 1001] {
      for sequence in [0, 1, 5, items] where sequence == 0 || items % sequence == 0 {
        let (visits, longest) = run(items, grain, threads, sequence: sequence)
        #expect(visits == [UInt32](repeating: 1, count: items))
        // All at once where another step has the pool.
        if sequence > 0 { #expect(longest <= grain || longest == items) }
      }
    }
  }

  /// By part, the chunks of a step.
  private func chunks(_ items: Int, _ grain: Int, _ participants: Int, sequence: Int = 0) -> [[Range<Int>]] {
    var step = maas_step()
    (step.items, step.grain, step.sequence) = (Int64(items), Int64(grain), Int64(sequence))
    let deal = Deal(&step, participants, RunLimits())
    return (0..<deal.parts).map { part in
      let end = deal.end(of: part)
      return (0...Int64(items)).map {
        (deal.begin($0, of: part), min(end, deal.begin($0, of: part) + deal.length($0)))
      }
      .prefix { $0.0 < end }.map { Int($0.0)..<Int($0.1) }
    }
  }

  @Test func partsAreSharesSideBySide() {
    #expect(chunks(16, 1, 2) == [[0..<6, 6..<7, 7..<8], [8..<14, 14..<15, 15..<16]])
    #expect(chunks(16, 2, 2) == [[0..<6, 6..<8], [8..<14, 14..<16]])
    #expect(chunks(31, 4, 2) == [[0..<12, 12..<16], [16..<28, 28..<31]])
    #expect(chunks(16, 4, 2) == [[0..<8], [8..<16]])
    #expect(chunks(7, 1, 3) == [[0..<3], [3..<5], [5..<7]])
    #expect(chunks(65, 1, 16).map { $0.first?.count } == Array(repeating: 3, count: 16))
    #expect(chunks(65, 1, 16).map(\.count) == [3] + Array(repeating: 2, count: 15))
    #expect(chunks(5, 2, 3) == [[0..<2], [2..<4], [4..<5]])
    #expect(chunks(5, 2, 4, sequence: 5) == [[0..<2, 2..<4, 4..<5]])
    #expect(chunks(6, 1, 2, sequence: 3) == [[0..<1, 1..<2, 2..<3], [3..<4, 4..<5, 5..<6]])
    #expect(chunks(6, 2, 2, sequence: 2) == [[0..<2, 2..<4], [4..<6]])
    #expect(chunks(6, 3, 4, sequence: 3) == [[0..<3], [3..<6]])
  }
}
