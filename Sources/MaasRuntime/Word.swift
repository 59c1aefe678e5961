import CMaasSystem

/// An atomic 32-bit word that threads can sleep on.
struct Word {
  private let address: UnsafeMutablePointer<UInt32>

  /// Alone on its cache line. Nil when there is no memory. Words are never given back: threads may look at them at
  /// any time.
  init?() {
    guard let memory = maas_sys_alloc(64, 64) else { return nil }
    self.init(at: memory)
  }

  /// A word that shares its line with others.
  init(at memory: UnsafeMutableRawPointer) {
    address = memory.bindMemory(to: UInt32.self, capacity: 1)
    address.initialize(to: 0)
  }

  func load() -> UInt32 { maas_sys_load32(address) }
  /// For other threads to see not before what was written earlier; cheaper than `exchange`.
  func store(_ value: UInt32) { maas_sys_store32(address, value) }
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

  /// How long whoever waits stays awake: waking takes long where CPUs are virtual. After the first part of that the CPU
  /// is left to whoever else wants it.
  private static let (awake, alone): (Int64, Int64) = (200_000, 15_000)

  /// Looks until `condition` holds or the time to stay awake is up.
  func spin(until condition: (UInt32) -> Bool) -> Bool {
    let start = maas_sys_now_ns()
    var elapsed: Int64 = 0
    repeat {
      for _ in 0..<16 {
        if condition(load()) { return true }
        maas_sys_pause()
      }
      if elapsed > Self.alone { maas_sys_yield() }
      elapsed = maas_sys_now_ns() &- start
    } while elapsed < Self.awake
    return condition(load())
  }
}
