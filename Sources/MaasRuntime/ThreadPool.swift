import CMaasSystem
import MaasCore

/// The process's threads, shared by all sessions. Workers claim chunks of a step from counters, so a worker that
/// comes late or not at all costs nothing: the caller takes part and drains what is left. The chunks of a sequence
/// are begun in order, and each that is begun is brought to its end, so such a chunk may wait for those before it.
///
/// One step is shared at a time; a caller that finds the pool busy runs its step alone, with the same result. So it
/// does when as many runs are under way as there are CPUs: workers would only take those from other callers.
package final class ThreadPool: @unchecked Sendable {
  static let maximumThreads = 256
  /// More threads than CPUs only wait for each other.
  private let cpus = Int(maas_sys_cpu_count())

  private let turn = Lock()
  private let shared: SharedStep
  private let epoch: Word  // counts shared steps; idle workers sleep on it
  private let sleepers: Word
  private let hired: Word  // workers that have begun
  private let runs: Word  // under way
  private let seats: UnsafeMutablePointer<maas_sys_seat>
  private var workers = 0  // guarded by `turn`

  private init?() {
    guard let shared = SharedStep(), let epoch = Word(), let sleepers = Word(), let hired = Word(),
      let runs = Word(),
      let seats = maas_sys_alloc(Self.maximumThreads * MemoryLayout<maas_sys_seat>.stride, 64)
    else { return nil }
    self.shared = shared
    self.epoch = epoch
    self.sleepers = sleepers
    self.hired = hired
    self.runs = runs
    self.seats = seats.bindMemory(to: maas_sys_seat.self, capacity: Self.maximumThreads)
    self.seats.initialize(repeating: maas_sys_seat(), count: Self.maximumThreads)
  }

  /// Around the steps of a run.
  func beginRun() { runs.add(1) }
  func endRun() { runs.add(0 &- 1) }

  /// Runs all items of a step on up to `threads` threads and returns its status; `worker` then holds the details.
  func run(
    _ step: UnsafePointer<maas_step>, threads: Int, scratch: Scratch, limits: RunLimits,
    failure: inout maas_worker, parts: UnsafeMutablePointer<StepTimes.Part>?
  ) -> Int32 {
    let participants = participants(step, threads)
    guard participants > 1, turn.tryAcquire() else {
      failure = limits.worker(scratch: scratch.base)
      return runAlone(step, limits: limits, failure: &failure)
    }
    defer { turn.release() }
    hire(participants - 1)
    shared.open(
      SharedStep.Job(step: step, participants: participants, scratch: scratch, limits: limits, parts: parts))
    callWorkers()
    return shared.finish(&failure)
  }

  /// How many of `threads` find something to do on a CPU that no other run is on.
  private func participants(_ step: UnsafePointer<maas_step>, _ threads: Int) -> Int {
    let free = cpus + 1 - max(1, Int(runs.load()))
    // Of more than three numbers `min` would make an array.
    return min(min(threads, free, Self.maximumThreads), Int(clamping: Deal.chunks(step)))
  }

  private func callWorkers() {
    epoch.add(1)
    if sleepers.load() == 0 { return }
    maas_sys_seats_spread(seats, Int32(workers))
    epoch.wakeAll()
  }

  /// Starts threads until there are `count`. Where the system gives no more, fewer do the work.
  private func hire(_ count: Int) {
    while workers < count {
      let context = Unmanaged.passUnretained(self).toOpaque()
      let error = maas_sys_thread_start(
        { context in
          if let context { Unmanaged<ThreadPool>.fromOpaque(context).takeUnretainedValue().work() }
          return nil
        }, context)
      if error != 0 { return }
      workers += 1
    }
  }

  private func work() {
    let seat = seats + Int(hired.add(1))
    var seen = epoch.load() &- 1
    while true {
      if !epoch.spin(until: { $0 != seen }) { sleepUntilEpochLeaves(seen, seat) }
      seen = epoch.load()
      shared.join()
    }
  }

  private func sleepUntilEpochLeaves(_ seen: UInt32, _ seat: UnsafeMutablePointer<maas_sys_seat>) {
    maas_sys_seat_leave(seat)
    sleepers.add(1)
    while epoch.load() == seen { epoch.sleep(while: seen) }
    sleepers.add(0 &- 1)
    maas_sys_seat_return(seat)
  }
}

extension ThreadPool {
  private static let creation = Lock()
  private nonisolated(unsafe) static var current: ThreadPool?
  private nonisolated(unsafe) static var watchesForks = false

  /// The pool, made at its first use and again in the child of a fork, where no thread survives.
  /// Nil when there is no memory for it.
  static var shared: ThreadPool? {
    creation.holding {
      if let current { return current }
      if !watchesForks { watchesForks = maas_sys_at_fork(nil, nil, { ThreadPool.forget() }) == 0 }
      current = ThreadPool()
      // Its threads may outlive every reference: the pool is never freed.
      if let current { _ = Unmanaged.passRetained(current) }
      return current
    }
  }

  private static func forget() {
    creation.resetAfterFork()
    current = nil
  }

  private nonisolated(unsafe) static var chosenThreads = 0  // guarded by `creation`

  /// Threads of a session that names no number: the user's choice, else the CPUs this process may use.
  package static var defaultThreads: Int {
    let chosen = creation.holding { chosenThreads }
    return chosen > 0 ? chosen : Int(maas_sys_cpu_count())
  }

  /// Sets the number for sessions made from now on; 0 goes back to the CPUs.
  package static func setDefaultThreads(_ count: Int) {
    creation.holding { chosenThreads = min(max(count, 0), maximumThreads) }
  }
}
