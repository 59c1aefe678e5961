import CMaasSystem
import MaasCore
import MaasGraph

/// Where a run leaves the times of its steps, while its session is profiled.
struct StepTimes {
  /// A thread's part of a step.
  struct Part {
    var thread: Int32
    var begin: Int64
    var end: Int64
  }

  fileprivate let steps: Int
  private let threads: Int
  private let storage: TensorStorage
  private let stamps: UnsafeMutablePointer<Int64>
  private let parts: UnsafeMutablePointer<Part>

  init(steps: Int, threads: Int) throws(MaasError) {
    let stampBytes = (steps + 1) * MemoryLayout<Int64>.stride
    storage = try TensorStorage.allocate(stampBytes + steps * threads * MemoryLayout<Part>.stride)
    stamps = storage.base.bindMemory(to: Int64.self, capacity: steps + 1)
    let count = steps * threads
    parts = (storage.base + stampBytes).bindMemory(to: Part.self, capacity: count)
    parts.initialize(repeating: Part(thread: 0, begin: 0, end: 0), count: count)
    (self.steps, self.threads) = (steps, threads)
  }

  /// Before the first step, and after each.
  func stamp(_ i: Int) { stamps[i] = maas_sys_now_ns() }

  /// Where the threads that help with a step note their parts, the caller's first.
  func parts(_ step: Int) -> UnsafeMutablePointer<Part> { parts + step * threads }

  fileprivate func whole(_ step: Int) -> Part {
    Part(thread: maas_sys_thread_id(), begin: stamps[step], end: stamps[step + 1])
  }

  fileprivate func helpers(_ step: Int) -> [Part] {
    (1..<threads).map { parts(step)[$0] }.filter { $0.thread != 0 }
  }
}

/// Times of steps, recorded while a session is profiled. Safe for many threads.
package final class Profile: @unchecked Sendable {
  /// One step of one run, or what a thread that helped did of it.
  package struct Event: Sendable {
    package let node: String
    package let operatorName: String
    package let shapes: String
    package let kernel: String
    /// On a monotonic clock, in nanoseconds.
    package let start: Int64
    package let duration: Int64
    /// The system's number of the thread.
    package let thread: Int32
    package let isHelp: Bool
  }

  private let lock = Lock()
  private var recorded: [Event] = []

  package init() {}

  package var events: [Event] { lock.holding { recorded } }

  func record(_ plan: Plan, _ times: StepTimes) {
    lock.holding {
      for i in 0..<times.steps {
        record(plan, i, times.whole(i), isHelp: false)
        for part in times.helpers(i) { record(plan, i, part, isHelp: true) }
      }
    }
  }

  private func record(_ plan: Plan, _ step: Int, _ part: StepTimes.Part, isHelp: Bool) {
    let label = plan.labels[plan.steps[step].node]
    recorded.append(
      Event(
        node: label.node, operatorName: label.operatorName, shapes: label.shapes,
        kernel: plan.steps[step].template.kernel, start: part.begin, duration: part.end - part.begin,
        thread: part.thread, isHelp: isHelp))
  }

  /// A host operator that began at `start` and is done.
  func record(_ site: HostSite, _ start: Int64) {
    let event = Event(
      node: site.node.name, operatorName: site.node.op.name, shapes: "", kernel: "host", start: start,
      duration: maas_sys_now_ns() - start, thread: maas_sys_thread_id(), isHelp: false)
    lock.holding { recorded.append(event) }
  }

  /// The events as a trace in Chrome's JSON format: a complete event ("X") per step, times in microseconds, and one
  /// without `args` for each thread that helped.
  package var chromeTrace: String {
    var text = "{\"traceEvents\":["
    for (i, event) in events.enumerated() {
      text += i == 0 ? "\n" : ",\n"
      text += "{\"ph\":\"X\",\"pid\":1,\"tid\":\(Int(event.thread)),\"ts\":\(microseconds(event.start)),"
      text += "\"dur\":\(microseconds(event.duration)),\"cat\":\(quoted(event.operatorName)),"
      text += "\"name\":\(quoted(event.operatorName + " " + event.node))"
      if !event.isHelp {
        text += ",\"args\":{\"operator\":\(quoted(event.operatorName)),\"node\":\(quoted(event.node)),"
        text += "\"shapes\":\(quoted(event.shapes)),\"kernel\":\(quoted(event.kernel))}"
      }
      text += "}"
    }
    return text + "\n],\"displayTimeUnit\":\"ns\"}\n"
  }
}

private func microseconds(_ nanoseconds: Int64) -> String {
  let rest = "\(nanoseconds % 1000)"
  return "\(nanoseconds / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
}
