import CMaasSystem
import MaasCore
import MaasRuntime

/// A flag that stops runs from another thread.
public final class CancelFlag: @unchecked Sendable {
  fileprivate let value: UnsafeMutablePointer<Int64>

  public init() {
    value = .allocate(capacity: 1)
    value.initialize(to: 0)
  }

  deinit { value.deallocate() }

  /// Stops all runs that use the flag, and lets later ones fail at once, until `reset`.
  public func cancel() { maas_sys_store(value, 1) }
  public func reset() { maas_sys_store(value, 0) }
  public var isCancelled: Bool { maas_sys_load(value) != 0 }
}

/// When a run gives up.
public struct RunOptions: Sendable {
  public var cancelFlag: CancelFlag?
  /// Nanoseconds after its start at which a run stops, within the time of one step; nil for none.
  public var deadline: Int64?

  public init() {}

  package var limits: RunLimits {
    let end = deadline.map { sum(Int(maas_sys_now_ns()), Int($0)).map { Int64($0) } ?? .max }
    return RunLimits(cancel: cancelFlag.map { UnsafePointer($0.value) }, deadline: end ?? .max)
  }
}
