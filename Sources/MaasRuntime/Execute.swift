import CMaasSystem

// The loop that runs a plan. Nothing here allocates, retains or locks, apart from the thread pool's own words.

/// The status of a step that the run's limits ended before its last item: whoever cancelled may have reset the flag
/// since, but the results are not whole.
let stoppedStatus = Int32(MAAS_STEP_STOPPED)

/// Runs one step, on several threads where it has chunks to give away. `parts`, when given, has room for each.
func runStep(
  _ step: UnsafePointer<maas_step>, pool: ThreadPool?, threads: Int, scratch: Scratch, limits: RunLimits,
  failure: inout maas_worker, parts: UnsafeMutablePointer<StepTimes.Part>? = nil
) -> Int32 {
  if let pool, threads > 1, step.pointee.items > step.pointee.grain {
    return pool.run(
      step, threads: threads, scratch: scratch, limits: limits, failure: &failure, parts: parts)
  }
  failure.scratch = scratch.base
  return runAlone(step, limits: limits, failure: &failure)
}

/// Runs all items on the calling thread, in pieces of about a millisecond when somebody may want to stop it.
func runAlone(_ step: UnsafePointer<maas_step>, limits: RunLimits, failure: inout maas_worker) -> Int32 {
  let (items, grain) = (step.pointee.items, step.pointee.grain)
  if limits.areNone || grain >= items / 32 { return step.pointee.run(step, 0, items, &failure) }
  var begin: Int64 = 0
  while begin < items {
    let end = min(items, begin + grain * 32)
    let status = step.pointee.run(step, begin, end, &failure)
    if status != 0 { return status }
    if end < items, limits.interruption() != nil { return stoppedStatus }
    begin = end
  }
  return 0
}

/// Why a run ended before its last step.
enum Interruption {
  case failed(step: Int, status: Int32, worker: maas_worker)
  case cancelled
  case deadline
}

/// What a run watches between its steps.
package struct RunLimits {
  /// Not zero: the run is cancelled.
  let cancel: UnsafePointer<Int64>?
  /// On `maas_sys_now_ns`'s clock; `Int64.max` for none.
  let deadline: Int64

  package init(cancel: UnsafePointer<Int64>? = nil, deadline: Int64 = .max) {
    self.cancel = cancel
    self.deadline = deadline
  }

  /// What a step's code gets to see of the limits.
  func worker(scratch: UnsafeMutableRawPointer? = nil, slot: Int = 0, of slots: Int = 1) -> maas_worker {
    maas_worker(
      scratch: scratch, failure: (0, 0, 0), cancel: cancel, deadline: deadline == .max ? 0 : max(deadline, 1),
      slot: Int32(truncatingIfNeeded: slot), slots: Int32(truncatingIfNeeded: slots))
  }

  var areNone: Bool { cancel == nil && deadline == .max }

  func interruption() -> Interruption? {
    if let cancel, maas_sys_load(cancel) != 0 { return .cancelled }
    if deadline != .max, maas_sys_now_ns() >= deadline { return .deadline }
    return nil
  }
}

/// Runs all steps in order.
func execute(
  _ steps: UnsafePointer<maas_step>, count: Int, pool: ThreadPool?, threads: Int, scratch: Scratch,
  limits: RunLimits, times: StepTimes?
) -> Interruption? {
  var failure = limits.worker()
  times?.stamp(0)
  for i in 0..<count {
    if let interruption = limits.interruption() { return interruption }
    let status = runStep(
      steps + i, pool: pool, threads: threads, scratch: scratch, limits: limits, failure: &failure,
      parts: times?.parts(i))
    if status == stoppedStatus { return limits.interruption() ?? .cancelled }
    if status != 0 { return .failed(step: i, status: status, worker: failure) }
    times?.stamp(i + 1)
  }
  return limits.interruption()
}
