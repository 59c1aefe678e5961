import CMaasSystem

/// A step that several threads work on: who is inside, which chunks are next, and what there is to do.
///
/// What goes from core to core together lies together, for each line of the cache that does takes some tens of
/// nanoseconds, and some hundreds where the two cores share no cache.
struct SharedStep {
  /// Written only while the gate is closed and nobody is inside.
  struct Job {
    fileprivate let step: UnsafePointer<maas_step>
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
      (self.step, deal) = (step, Deal(step, participants, limits))
      (self.scratch, self.limits) = (scratch, limits)
      (self.participants, self.parts) = (participants, parts)
    }
  }

  private static let isOpen: UInt32 = 1 << 31
  /// In `left`: the caller sleeps until the last worker has gone.
  private static let isAwaited: UInt32 = 1 << 31

  private let gate: Word  // whether it is open, and the number of workers that have come in
  private let left: Word  // the number of workers that have gone
  private let next: UnsafeMutablePointer<Int64>  // by part: its next chunk
  private let status: Word  // of the first chunk that failed
  private let job: UnsafeMutablePointer<Job>

  /// Nil when there is no memory.
  init?() {
    let line = 128  // two, which some CPUs fetch together
    let counters = ThreadPool.maximumThreads * MemoryLayout<Int64>.stride
    guard let doors = maas_sys_alloc(8 + counters, line),
      let memory = maas_sys_alloc(line + MemoryLayout<Job>.stride, line)
    else { return nil }
    gate = Word(at: doors)
    left = Word(at: doors + 4)
    next = (doors + 8).bindMemory(to: Int64.self, capacity: ThreadPool.maximumThreads)
    status = Word(at: memory)
    job = (memory + 16).bindMemory(to: Job.self, capacity: 1)
  }

  /// Lets workers in; the caller has taken the first chunk.
  func open(_ new: Job) {
    job.initialize(to: new)
    status.store(0)
    left.store(0)
    maas_sys_store(next, 1)
    for part in 1..<new.deal.parts { maas_sys_store(next + part, 0) }
    gate.store(Self.isOpen)
  }

  /// The caller's part; when it returns, all items are done and nobody is inside. Returns the step's status.
  func finish(_ failure: inout maas_worker) -> Int32 {
    takePart(0)
    close()
    failure = job.pointee.failure
    return Int32(bitPattern: status.load())
  }

  /// A worker's part, if there is one.
  func join() {
    maas_sys_prefetch(job)
    guard let before = enter() else { return }
    let slot = Int(before) + 1
    if slot < job.pointee.participants { takePart(slot) }
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

  private func takePart(_ slot: Int) {
    guard let part = job.pointee.parts.map({ $0 + slot }) else { return drain(slot) }
    part.pointee = StepTimes.Part(thread: maas_sys_thread_id(), begin: maas_sys_now_ns(), end: 0)
    drain(slot)
    part.pointee.end = maas_sys_now_ns()
  }

  /// One's own part, and then what is left of the others'.
  private func drain(_ slot: Int) {
    var worker = job.pointee.limits.worker(
      scratch: job.pointee.scratch.slot(slot), slot: slot, of: job.pointee.participants)
    let parts = job.pointee.deal.parts
    var part = slot % parts
    var hasMore = slot > 0 || work(on: 0, of: 0, &worker)
    for turn in 1...parts {
      while hasMore {
        if !goesOn() { return }
        hasMore = work(on: maas_sys_fetch_add(next + part, 1), of: part, &worker)
      }
      if turn == parts { return }
      part = part + 1 < parts ? part + 1 : 0
      // To look takes less than to claim what is gone.
      hasMore = job.pointee.deal.hasChunk(maas_sys_load(next + part), of: part)
    }
  }

  private func goesOn() -> Bool {
    if job.pointee.limits.interruption() != nil {
      _ = status.exchange(0, for: UInt32(bitPattern: stoppedStatus))
    }
    return status.load() == 0
  }

  /// Whether the part may have more chunks. One that has been taken is worked on, whatever has happened elsewhere:
  /// another may wait for it.
  private func work(on chunk: Int64, of part: Int, _ worker: inout maas_worker) -> Bool {
    let (step, deal) = (job.pointee.step, job.pointee.deal)
    guard deal.hasChunk(chunk, of: part) else { return false }
    let (begin, partEnd) = (deal.begin(chunk, of: part), deal.end(of: part))
    let end = min(partEnd, begin &+ deal.length(chunk))
    let result = step.pointee.run(step, begin, end, &worker)
    if result != 0, status.exchange(0, for: UInt32(bitPattern: result)) { job.pointee.failure = worker }
    return end < partEnd
  }
}

/// How the items of a step are dealt out: each participant has a part of them, side by side, and the first chunk of
/// a part is most of it. What a thread reads is then mostly what it wrote in the step before, and what comes next is
/// known. The chunks after it go to who is free. Of sequences a part has whole ones, of which every chunk is one grain:
/// participants without a part help with others' from the start.
struct Deal {
  let parts: Int
  private let items, grain, first: Int64
  /// Items that parts are multiples of.
  private let unit: Int64
  /// How many of those each part has at least, and how many parts, the first ones, have one more.
  private let units, longer: Int64

  static func chunks(_ step: UnsafePointer<maas_step>) -> Int64 {
    (step.pointee.items - 1) / step.pointee.grain + 1
  }

  init(_ step: UnsafePointer<maas_step>, _ participants: Int, _ limits: RunLimits) {
    (items, grain) = (step.pointee.items, step.pointee.grain)
    let (chunks, sequence) = (Self.chunks(step), step.pointee.sequence)
    let areFew = chunks < 4 * Int64(participants)
    unit = sequence > 0 ? sequence : areFew ? 1 : grain
    let count = sequence > 0 ? items / sequence : areFew ? items : chunks
    parts = sequence > 0 ? min(participants, Int(count)) : participants
    (units, longer) = count.quotientAndRemainder(dividingBy: Int64(parts))
    if sequence > 0 || !limits.areNone {
      first = grain
    } else {
      first = areFew ? items : units * 3 / 4 * grain
    }
  }

  private func begin(of part: Int) -> Int64 { (Int64(part) &* units &+ min(Int64(part), longer)) &* unit }

  func end(of part: Int) -> Int64 { min(begin(of: part &+ 1), items) }

  /// The first item of a chunk, if there is such a chunk.
  func begin(_ chunk: Int64, of part: Int) -> Int64 {
    begin(of: part) &+ (chunk == 0 ? 0 : first &+ (chunk &- 1) &* grain)
  }

  /// Of a chunk that the end of its part does not cut.
  func length(_ chunk: Int64) -> Int64 { chunk == 0 ? first : grain }

  func hasChunk(_ chunk: Int64, of part: Int) -> Bool { begin(chunk, of: part) < end(of: part) }
}

/// Memory for every participant of a step, one slot each.
struct Scratch {
  let base: UnsafeMutableRawPointer?
  let stride: Int

  func slot(_ i: Int) -> UnsafeMutableRawPointer? { base.map { $0 + i * stride } }
}
