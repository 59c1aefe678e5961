import CMaasSystem

/// An atomic 32-bit word that threads can sleep on, alone on its cache line.
struct Word {
  private let address: UnsafeMutablePointer<UInt32>

  /// Nil when there is no memory. Words are never given back: threads may look at them at any time.
  init?() {
    guard let memory = maas_sys_alloc(64, 64) else { return nil }
    address = memory.bindMemory(to: UInt32.self, capacity: 1)
    address.initialize(to: 0)
  }

  func load() -> UInt32 { maas_sys_load32(address) }
  /// Returns the value before.
  @discardableResult
  func add(_ delta: UInt32) -> UInt32 { maas_sys_fetch_add32(address, delta) }
  @discardableResult
  func exchange(_ value: UInt32) -> UInt32 { maas_sys_exchange32(address, value) }
  func exchange(_ expected: UInt32, for value: UInt32) -> Bool {
    maas_sys_exchange_if32(address, expected, value)
  }
  func sleep(while expected: UInt32) { maas_sys_wait(address, expected) }
  func wakeAll() { maas_sys_wake_all(address) }

  /// Looks until `condition` holds or the time is up; sleeping would cost more than a short wait. A longer one leaves
  /// the CPU to whoever else wants it.
  func spin(nanoseconds: Int64, until condition: (UInt32) -> Bool) -> Bool {
    let start = maas_sys_now_ns()
    var elapsed: Int64 = 0
    repeat {
      for _ in 0..<16 {
        if condition(load()) { return true }
        maas_sys_pause()
      }
      if elapsed > 15_000 { maas_sys_yield() }
      elapsed = maas_sys_now_ns() &- start
    } while elapsed < nanoseconds
    return condition(load())
  }
}
