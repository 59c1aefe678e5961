import CMaasSystem

/// A step that several threads work on: who is inside, which chunk is next, and what there is to do.
///
/// What goes from core to core together lies together, for each line of the cache that does takes some tens of
/// nanoseconds, and some hundreds where the two cores share no cache.
struct SharedStep {
  /// Written only while the gate is closed and nobody is inside.
  struct Job {
    fileprivate let step: UnsafePointer<maas_step>
    fileprivate let items: Int64
    fileprivate let deal: Deal
    fileprivate let scratch: Scratch
    fileprivate let limits: RunLimits
    fileprivate let participants: Int
    /// Room for each participant to note what it did, when the run is profiled.
    fileprivate let parts: UnsafeMutablePointer<StepTimes.Part>?
    fileprivate var failure = maas_worker()

    init(
      step: UnsafePointer<maas_step>, participants: Int, scratch: Scratch, limits: RunLimits,
      parts: UnsafeMutablePointer<StepTimes.Part>?
    ) {
      (self.step, items, deal) = (step, step.pointee.items, Deal(step, participants, limits))
      (self.scratch, self.limits) = (scratch, limits)
      (self.participants, self.parts) = (participants, parts)
    }
  }

  private static let isOpen: UInt32 = 1 << 31
  /// In `left`: the caller sleeps until the last worker has gone.
  private static let isAwaited: UInt32 = 1 << 31

  private let gate: Word  // whether it is open, and the number of workers that have come in
  private let left: Word  // the number of workers that have gone
  private let nextChunk: UnsafeMutablePointer<Int64>
  private let status: Word  // of the first chunk that failed
  private let job: UnsafeMutablePointer<Job>

  /// Nil when there is no memory.
  init?() {
    let line = 128  // two, which some CPUs fetch together
    guard let doors = maas_sys_alloc(line, line),
      let memory = maas_sys_alloc(line + MemoryLayout<Job>.stride, line)
    else { return nil }
    gate = Word(at: doors)
    left = Word(at: doors + 4)
    nextChunk = (doors + 8).bindMemory(to: Int64.self, capacity: 1)
    nextChunk.initialize(to: 0)
    status = Word(at: memory)
    job = (memory + 16).bindMemory(to: Job.self, capacity: 1)
  }

  /// Lets workers in; the caller has taken the first chunk.
  func open(_ new: Job) {
    job.initialize(to: new)
    status.store(0)
    left.store(0)
    maas_sys_store(nextChunk, 1)
    gate.store(Self.isOpen)
  }

  /// The caller's part; when it returns, all items are done and nobody is inside. Returns the step's status.
  func finish(_ failure: inout maas_worker) -> Int32 {
    takePart(0, first: 0)
    close()
    failure = job.pointee.failure
    return Int32(bitPattern: status.load())
  }

  /// A worker's part, if there is one.
  func join() {
    maas_sys_prefetch(job)
    guard let before = enter() else { return }
    let slot = Int(before) + 1
    if slot < job.pointee.participants { takePart(slot, first: nil) }
    leave()
  }

  /// How many came in before; nil where the gate is closed.
  private func enter() -> UInt32? {
    var state = Self.isOpen  // A guess: to look first would fetch the line twice.
    repeat {
      if gate.exchange(state, for: state + 1) { return state & ~Self.isOpen }
      state = gate.load()
    } while state & Self.isOpen != 0
    return nil
  }

  private func leave() {
    if left.add(1) & Self.isAwaited != 0 { left.wakeAll() }
  }

  private func close() {
    let inside = gate.exchange(0) & ~Self.isOpen
    if left.spin(until: { $0 == inside }) { return }
    var gone = left.add(Self.isAwaited) | Self.isAwaited
    while gone & ~Self.isAwaited != inside {
      left.sleep(while: gone)
      gone = left.load()
    }
  }

  private func takePart(_ slot: Int, first: Int64?) {
    guard let part = job.pointee.parts.map({ $0 + slot }) else { return drain(slot, first) }
    part.pointee = StepTimes.Part(thread: maas_sys_thread_id(), begin: maas_sys_now_ns(), end: 0)
    drain(slot, first)
    part.pointee.end = maas_sys_now_ns()
  }

  /// A chunk that has been taken is worked on, whatever has happened elsewhere: another may wait for it.
  private func drain(_ slot: Int, _ first: Int64?) {
    var worker = job.pointee.limits.worker(scratch: job.pointee.scratch.slot(slot))
    if let first, !work(on: first, &worker) { return }
    while goesOn(), work(on: maas_sys_fetch_add(nextChunk, 1), &worker) {}
  }

  private func goesOn() -> Bool {
    if job.pointee.limits.interruption() != nil {
      _ = status.exchange(0, for: UInt32(bitPattern: stoppedStatus))
    }
    return status.load() == 0
  }

  /// Whether there was such a chunk.
  private func work(on chunk: Int64, _ worker: inout maas_worker) -> Bool {
    let (step, items, place) = (job.pointee.step, job.pointee.items, job.pointee.deal.place(chunk))
    if place.begin >= items { return false }
    let result = step.pointee.run(step, place.begin, min(items, place.end), &worker)
    if result != 0, status.exchange(0, for: UInt32(bitPattern: result)) { job.pointee.failure = worker }
    return true
  }
}

/// The chunks that the items of a step are dealt out in. The first ones, one for each participant, are most of the
/// work: what a thread reads is then mostly what it wrote, and what comes next is known. The others go to who is
/// free.
struct Deal {
  private let first, grain, participants: Int64
  /// By how much longer all of the first chunks are than others.
  private let lead: Int64

  static func chunks(_ step: UnsafePointer<maas_step>) -> Int64 {
    (step.pointee.items - 1) / step.pointee.grain + 1
  }

  init(_ step: UnsafePointer<maas_step>, _ participants: Int, _ limits: RunLimits) {
    (grain, self.participants) = (step.pointee.grain, Int64(participants))
    let (items, count) = (step.pointee.items, Self.chunks(step))
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
