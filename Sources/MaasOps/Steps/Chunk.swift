import CMaasSystem
import MaasGraph

/// The part of a step that one thread runs now: items begin..<end.
///
/// Operand addresses are trusted: the plan resolves every operand that the operator emitted.
struct Chunk {
  let step: UnsafePointer<maas_step>
  let begin: Int
  let end: Int
  let worker: UnsafeMutablePointer<maas_worker>

  /// Takes the arguments of a `maas_step_run`.
  init(
    _ step: UnsafePointer<maas_step>?, _ begin: Int64, _ end: Int64,
    _ worker: UnsafeMutablePointer<maas_worker>?
  ) {
    self.step = step.unsafelyUnwrapped
    self.begin = Int(begin)
    self.end = Int(end)
    self.worker = worker.unsafelyUnwrapped
  }

  /// Whether the run is cancelled or late, to be asked every few milliseconds.
  var isStopped: Bool { worker.pointee.interruption != nil }

  /// Operand `i`, nil when it was left out.
  func address(_ i: Int) -> UnsafeMutableRawPointer? { step.pointee.operands[i] }

  func input<T>(_ i: Int, as type: T.Type = T.self) -> UnsafePointer<T> {
    UnsafePointer(output(i, as: type))
  }

  func optional<T>(_ i: Int, as type: T.Type = T.self) -> UnsafePointer<T>? {
    address(i).map { UnsafePointer($0.assumingMemoryBound(to: type)) }
  }

  func output<T>(_ i: Int, as type: T.Type = T.self) -> UnsafeMutablePointer<T> {
    address(i).unsafelyUnwrapped.assumingMemoryBound(to: type)
  }

  func params<P>(_ type: P.Type = P.self) -> UnsafePointer<P> {
    step.pointee.params.unsafelyUnwrapped.assumingMemoryBound(to: type)
  }

  /// What an index means, negative ones counted from the end; nil, with the reason in `status`, outside.
  @inline(__always)
  func index(_ given: Int, _ limit: Int, _ status: inout Int32) -> Int? {
    let index = given < 0 ? given &+ limit : given
    if index >= 0, index < limit { return index }
    status = refuse(index: given, limit: limit)
    return nil
  }

  /// Refuses a value of the data; `range` is what the operator can take.
  func refuse(value: Int, range: Range<Int>) -> Int32 {
    worker.pointee.failure = (Int64(value), Int64(range.lowerBound), Int64(range.upperBound))
    return StepStatus.value
  }

  /// Refuses an index outside 0..<limit, negative ones counted from the end already.
  func refuse(index: Int, limit: Int) -> Int32 {
    worker.pointee.failure = (Int64(index), -Int64(limit), Int64(limit))
    return StepStatus.index
  }

  /// Refuses an index outside 0..<limit where negative ones mean nothing.
  func refuse(unsigned index: Int, limit: Int) -> Int32 {
    worker.pointee.failure = (Int64(index), 0, Int64(limit))
    return StepStatus.index
  }

  /// Refuses a value outside low..<high.
  func refuse(value: Int, _ low: Int, _ high: Int) -> Int32 {
    worker.pointee.failure = (Int64(value), Int64(low), Int64(high))
    return StepStatus.value
  }
}

/// The results of a `maas_step_run`.
enum StepStatus {
  static let stopped = Int32(MAAS_STEP_STOPPED)
  static let ok = Int32(MAAS_STEP_OK)
  static let index = Int32(MAAS_STEP_INDEX)
  static let division = Int32(MAAS_STEP_DIVISION)
  static let value = Int32(MAAS_STEP_VALUE)
  static let text = Int32(MAAS_STEP_TEXT)
  static let key = Int32(MAAS_STEP_KEY)
}

/// Work items per chunk such that a chunk takes about 30 µs, or `chunk` nanoseconds, when one item takes `nanoseconds`.
func grain(nanoseconds: Int, chunk: Int = 30_000) -> Int { max(1, chunk / max(1, nanoseconds)) }

/// Makes an element zero, or an empty string.
@inline(__always)
func clear<T: BitwiseCopyable>(_ element: UnsafeMutablePointer<T>) {
  maas_sys_zero(element, MemoryLayout<T>.size)
}
