import CMaasSystem

/// A lock that sleeps when contended, at a fixed address for its whole life.
package final class Lock: @unchecked Sendable {
  private let state: UnsafeMutablePointer<maas_sys_lock>

  package init() {
    state = .allocate(capacity: 1)
    state.initialize(to: maas_sys_lock(state: 0))
  }

  deinit { state.deallocate() }

  package func with<R>(_ body: () throws(MaasError) -> R) throws(MaasError) -> R {
    maas_sys_lock_acquire(state)
    defer { maas_sys_lock_release(state) }
    return try body()
  }

  /// As `with`, for bodies that cannot fail.
  package func holding<R>(_ body: () -> R) -> R {
    maas_sys_lock_acquire(state)
    defer { maas_sys_lock_release(state) }
    return body()
  }

  /// Makes the lock free again in the child of a fork, where its holder does not exist.
  package func resetAfterFork() { state.pointee.state = 0 }

  package func acquire() { maas_sys_lock_acquire(state) }
  package func tryAcquire() -> Bool { maas_sys_lock_try(state) }
  package func release() { maas_sys_lock_release(state) }
}
