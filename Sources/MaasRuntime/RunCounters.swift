import CMaasSystem

/// What every run of an executable changes or asks for, from any thread and without a lock.
final class RunCounters: @unchecked Sendable {
  private let memory: UnsafeMutablePointer<Int64>
  private enum Place: Int { case runs, allocations, plan, isProfiled }

  init() {
    memory = .allocate(capacity: 4)
    memory.initialize(repeating: 0, count: 4)
  }

  deinit { memory.deallocate() }

  private func at(_ place: Place) -> UnsafeMutablePointer<Int64> { memory + place.rawValue }
  private func load(_ place: Place) -> Int { Int(maas_sys_load(at(place))) }

  var runs: Int { load(.runs) }
  /// Of the last run.
  var allocations: Int { load(.allocations) }
  var isProfiled: Bool {
    get { load(.isProfiled) != 0 }
    set { maas_sys_store(at(.isProfiled), newValue ? 1 : 0) }
  }

  func count(allocations: Int) {
    _ = maas_sys_fetch_add(at(.runs), 1)
    maas_sys_store(at(.allocations), Int64(allocations))
  }

  func isLast(_ plan: Plan) -> Bool { load(.plan) == identity(plan) }
  func setLast(_ plan: Plan) { maas_sys_store(at(.plan), Int64(identity(plan))) }
  private func identity(_ plan: Plan) -> Int { Int(bitPattern: Unmanaged.passUnretained(plan).toOpaque()) }
}
