import CMaasSystem
import MaasCore
import MaasGraph

/// Times of steps, recorded while a session is profiled. Safe for many threads.
package final class Profile: @unchecked Sendable {
  /// One step of one run.
  package struct Event: Sendable {
    package let node: String
    package let operatorName: String
    package let shapes: String
    package let kernel: String
    /// On a monotonic clock, in nanoseconds.
    package let start: Int64
    package let duration: Int64
  }

  private let lock = Lock()
  private var recorded: [Event] = []

  package init() {}

  package var events: [Event] { lock.holding { recorded } }

  func record(_ plan: Plan, _ stamps: UnsafeMutablePointer<Int64>) {
    lock.holding {
      for (i, step) in plan.steps.enumerated() {
        let label = plan.labels[step.node]
        recorded.append(
          Event(
            node: label.node, operatorName: label.operatorName, shapes: label.shapes,
            kernel: step.template.kernel,
            start: stamps[i], duration: stamps[i + 1] - stamps[i]))
      }
    }
  }

  /// A host operator that began at `start` and is done.
  func record(_ site: HostSite, _ start: Int64) {
    let event = Event(
      node: site.node.name, operatorName: site.node.op.name, shapes: "", kernel: "host", start: start,
      duration: maas_sys_now_ns() - start)
    lock.holding { recorded.append(event) }
  }

  /// The events as a trace in Chrome's JSON format: a complete event ("X") per step, times in microseconds.
  package var chromeTrace: String {
    var text = "{\"traceEvents\":["
    for (i, event) in events.enumerated() {
      text += i == 0 ? "\n" : ",\n"
      text += "{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"ts\":\(microseconds(event.start)),"
      text += "\"dur\":\(microseconds(event.duration)),\"cat\":\(quoted(event.operatorName)),"
      text += "\"name\":\(quoted(event.operatorName + " " + event.node)),\"args\":{\"operator\":"
      text +=
        "\(quoted(event.operatorName)),\"node\":\(quoted(event.node)),\"shapes\":\(quoted(event.shapes)),"
      text += "\"kernel\":\(quoted(event.kernel))}}"
    }
    return text + "\n],\"displayTimeUnit\":\"ns\"}\n"
  }
}

private func microseconds(_ nanoseconds: Int64) -> String {
  let rest = "\(nanoseconds % 1000)"
  return "\(nanoseconds / 1000)." + String(repeating: "0", count: 3 - rest.utf8.count) + rest
}

/// A JSON string.
private func quoted(_ text: String) -> String {
  let hex = Array("0123456789abcdef".utf8)
  var bytes: [UInt8] = [34]
  for byte in text.utf8 {
    switch byte {
    case 34, 92: bytes += [92, byte]
    case 0..<32: bytes += [92, 117, 48, 48, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
    default: bytes.append(byte)
    }
  }
  bytes.append(34)
  return String(decoding: bytes, as: UTF8.self)
}
