import CMaasSystem
import MaasCommand
import MaasCore

/// How long repeated runs take.
struct Latency {
  /// When to stop.
  enum Goal {
    case runs(Int)
    /// At least so many runs and so long.
    case atLeast(runs: Int, nanoseconds: Int64)
  }

  /// Of each run, in nanoseconds, in increasing order.
  private let times: [Int64]
  private let total: Int64

  /// Calls `run` until the goal is reached.
  init(_ goal: Goal, _ run: () throws(MaasError) -> Void) throws(MaasError) {
    let start = maas_sys_now_ns()
    var times: [Int64] = []
    var progress = Progress(goal, start)
    var now = start
    while !goal.isReached(times.count, now - start) {
      try run()
      let end = maas_sys_now_ns()
      times.append(end - now)
      progress.show(times.count, at: end)
      now = maas_sys_now_ns()
    }
    progress.clear()
    self.init(times)
  }

  init(_ times: [Int64]) {
    self.times = times.sorted()
    total = times.reduce(0, +)
  }

  /// `100 runs: min 0.120 ms, median 0.125 ms, p99 0.210 ms, 7843 runs/s`
  var text: String {
    let rate = total > 0 ? Double(times.count) * 1e9 / Double(total) : 0
    return "\(times.count) run\(times.count == 1 ? "" : "s"): min \(milliseconds(0)), median \(median), "
      + "p99 \(milliseconds(percentile(99))), \(fixed(rate, rate < 100 ? 2 : 0)) runs/s\n"
  }

  private var median: String {
    let middle = times.count / 2
    let isEven = times.count % 2 == 0 && times.count > 0
    let nanoseconds = isEven ? (times[middle - 1] + times[middle]) / 2 : times[at: middle] ?? 0
    return fixed(Double(nanoseconds) / 1e6, 3) + " ms"
  }

  /// The index of the smallest time that at least `percent` % of the runs do not exceed.
  private func percentile(_ percent: Int) -> Int { max(0, (times.count * percent + 99) / 100 - 1) }

  private func milliseconds(_ index: Int) -> String { fixed(Double(times[at: index] ?? 0) / 1e6, 3) + " ms" }
}

extension Latency.Goal {
  func isReached(_ count: Int, _ nanoseconds: Int64) -> Bool {
    switch self {
    case .runs(let wanted): count >= wanted
    case .atLeast(let runs, let wanted): count >= runs && nanoseconds >= wanted
    }
  }

  fileprivate func text(_ count: Int) -> String {
    if case .runs(let wanted) = self { "\(count) of \(wanted) runs" } else { "\(count) runs" }
  }
}

/// Tells on a terminal how far the runs have come, ten times a second and not before half a second.
private struct Progress {
  private let goal: Latency.Goal
  private var next: Int64
  private var isShown = false

  init(_ goal: Latency.Goal, _ start: Int64) {
    self.goal = goal
    next = start + 500_000_000
  }

  mutating func show(_ count: Int, at time: Int64) {
    if time < next { return }
    next = time + 100_000_000
    isShown = true
    Terminal.progress(goal.text(count))
  }

  func clear() {
    if isShown { Terminal.progress("") }
  }
}

/// A number that is not negative, with so many digits after the point.
func fixed(_ value: Double, _ places: Int) -> String {
  var scale = 1.0
  for _ in 0..<places { scale *= 10 }
  guard let scaled = Int(exactly: (value * scale).rounded()) else { return "\(value)" }
  let digits = "\(scaled)"
  let padded = String(repeating: "0", count: max(0, places + 1 - digits.count)) + digits
  return places == 0 ? padded : padded.dropLast(places) + "." + padded.suffix(places)
}
