#if !hasFeature(Embedded)
  import CMaasSystem

  /// Calls `body` for ranges that together are all of `items`, on the pool's threads: up to `threads`, or with 0 as
  /// many as sessions have. What one call writes no other may read.
  package func inParallel(_ items: Int, grain: Int, threads: Int, _ body: (Range<Int>) -> Void) {
    guard items > 0 else { return }
    let threads = threads > 0 ? threads : ThreadPool.defaultThreads
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: Work(body: body)) { work in
        var step = maas_step()
        step.params = UnsafeRawPointer(work)
        // What an item costs is not known, nor whether all cost the same.
        (step.items, step.grain, step.sequence) = (Int64(items), Int64(grain), Int64(items))
        step.run = { step, begin, end, _ in
          step?.pointee.params.assumingMemoryBound(to: Work.self).pointee.body(Int(begin)..<Int(end))
          return 0
        }
        var failure = maas_worker()
        _ = runStep(
          &step, pool: threads > 1 ? ThreadPool.shared : nil, threads: threads,
          scratch: Scratch(base: nil, stride: 0), limits: RunLimits(), failure: &failure)
      }
    }
  }

  private struct Work {
    let body: (Range<Int>) -> Void
  }
#endif
