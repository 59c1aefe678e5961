import CMaasSystem
import MaasCore

/// The process's threads, shared by all sessions. Workers claim chunks of a step from a counter, so a worker that
/// comes late or not at all costs nothing: the caller takes part and drains what is left. Chunks are begun in order, and
/// each that is begun is brought to its end, so a chunk may wait for those before it.
///
/// One region runs at a time; a caller that finds the pool busy runs its step alone, with the same result. So it does
/// when as many runs are under way as there are CPUs: workers would only take those from other callers.
package final class ThreadPool: @unchecked Sendable {
  /// What the workers do while the gate is open. Written only while it is closed.
  private struct Job {
    var step: UnsafePointer<maas_step>
    var items: Int64 = 0
    var deal: Deal
    var participants: UInt32 = 1
    var scratch: Scratch
    var limits: RunLimits
    var failure = maas_worker()
    /// Room for each participant to note what it did, when the run is profiled.
    var parts: UnsafeMutablePointer<StepTimes.Part>?
  }

  private static let open: UInt32 = 1 << 31
  private static let maximumThreads = 256
  /// More threads than CPUs only wait for each other.
  private let cpus = Int(maas_sys_cpu_count())

  private let region = Lock()
  private let gate: Word  // the open bit and the number of workers inside
  private let epoch: Word  // counts regions; idle workers sleep on it
  private let sleepers: Word
  private let nextChunk: UnsafeMutablePointer<Int64>
  private let nextSlot: Word
  private let hired: Word  // workers that have begun
  private let status: Word
  private let runs: Word  // under way
  private let job: UnsafeMutablePointer<Job>
  private let seats: UnsafeMutablePointer<maas_sys_seat>
  private var workers = 0  // guarded by `region`

  private init?() {
    guard let gate = Word(), let epoch = Word(), let sleepers = Word(), let nextSlot = Word(),
      let hired = Word(),
      let status = Word(), let runs = Word(),
      let chunk = maas_sys_alloc(64, 64),
      let seats = maas_sys_alloc(Self.maximumThreads * MemoryLayout<maas_sys_seat>.stride, 64)
    else { return nil }
    self.gate = gate
    self.epoch = epoch
    self.sleepers = sleepers
    self.nextSlot = nextSlot
    self.hired = hired
    self.status = status
    self.runs = runs
    nextChunk = chunk.bindMemory(to: Int64.self, capacity: 1)
    nextChunk.initialize(to: 0)
    job = .allocate(capacity: 1)
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
    guard participants > 1, region.tryAcquire() else {
      failure = limits.worker(scratch: scratch.base)
      return runAlone(step, limits: limits, failure: &failure)
    }
    defer { region.release() }
    hire(participants - 1)
    job.initialize(
      to: Job(
        step: step, items: step.pointee.items, deal: Deal(step, participants, limits),
        participants: UInt32(participants), scratch: scratch, limits: limits, parts: parts))
    openGate()
    drain()
    closeGate()
    failure = job.pointee.failure
    return Int32(bitPattern: status.load())
  }

  /// How many of `threads` find something to do on a CPU that no other run is on.
  private func participants(_ step: UnsafePointer<maas_step>, _ threads: Int) -> Int {
    let free = cpus + 1 - max(1, Int(runs.load()))
    // Of more than three numbers `min` would make an array.
    return min(min(threads, free, Self.maximumThreads), Int(clamping: chunks(step)))
  }

  private func openGate() {
    maas_sys_store(nextChunk, 0)
    nextSlot.exchange(0)
    status.exchange(0)
    gate.exchange(Self.open)
    epoch.add(1)
    if sleepers.load() == 0 { return }
    maas_sys_seats_spread(seats, Int32(workers))
    epoch.wakeAll()
  }

  private func closeGate() {
    gate.add(0 &- Self.open)
    while !gate.spin(until: { $0 == 0 }) {
      let inside = gate.load()
      if inside != 0 { gate.sleep(while: inside) }
    }
  }

  private func enter() -> Bool {
    while true {
      let state = gate.load()
      if state & Self.open == 0 { return false }
      if gate.exchange(state, for: state + 1) { return true }
    }
  }

  /// The last one out after closing wakes the caller, who may have gone to sleep.
  private func leave() {
    if gate.add(0 &- 1) == 1 { gate.wakeAll() }
  }

  private func drain() {
    let slot = nextSlot.add(1)
    guard slot < job.pointee.participants else { return }
    guard let part = job.pointee.parts.map({ $0 + Int(slot) }) else { return drain(slot) }
    part.pointee = StepTimes.Part(thread: maas_sys_thread_id(), begin: maas_sys_now_ns(), end: 0)
    drain(slot)
    part.pointee.end = maas_sys_now_ns()
  }

  private func drain(_ slot: UInt32) {
    let (step, items, deal) = (job.pointee.step, job.pointee.items, job.pointee.deal)
    var worker = job.pointee.limits.worker(scratch: job.pointee.scratch.slot(Int(slot)))
    while status.load() == 0 {
      if job.pointee.limits.interruption() != nil {
        _ = status.exchange(0, for: UInt32(bitPattern: stoppedStatus))
        return
      }
      let chunk = deal.place(maas_sys_fetch_add(nextChunk, 1))
      if chunk.begin >= items { return }
      let result = step.pointee.run(step, chunk.begin, min(items, chunk.end), &worker)
      if result != 0, status.exchange(0, for: UInt32(bitPattern: result)) { job.pointee.failure = worker }
    }
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
      if enter() {
        drain()
        leave()
      }
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

private func chunks(_ step: UnsafePointer<maas_step>) -> Int64 {
  (step.pointee.items - 1) / step.pointee.grain + 1
}

/// The chunks that the items of a step are dealt out in. The first ones, one for each participant, are most of the work:
/// what a thread reads is then mostly what it wrote, and what comes next is known. The others go to who is free.
private struct Deal {
  private let first, grain, participants: Int64
  /// By how much longer all of the first chunks are than others.
  private let lead: Int64

  init(_ step: UnsafePointer<maas_step>, _ participants: Int, _ limits: RunLimits) {
    (grain, self.participants) = (step.pointee.grain, Int64(participants))
    let (items, count) = (step.pointee.items, chunks(step))
    if step.pointee.ordered || !limits.areNone {
      first = grain
    } else if count < 4 * self.participants {
      first = (items - 1) / self.participants + 1
    } else {
      first = count * 3 / (4 * self.participants) * grain
    }
    lead = self.participants &* (first &- grain)
  }

  /// Where a chunk begins and ends, were there no end of items.
  func place(_ chunk: Int64) -> (begin: Int64, end: Int64) {
    let isFirst = chunk < participants
    let begin = isFirst ? chunk &* first : lead &+ chunk &* grain
    return (begin, begin &+ (isFirst ? first : grain))
  }
}

/// Memory for every participant of a step, one slot each.
struct Scratch {
  let base: UnsafeMutableRawPointer?
  let stride: Int

  func slot(_ i: Int) -> UnsafeMutableRawPointer? { base.map { $0 + i * stride } }
}
