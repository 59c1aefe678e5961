import CMaasSystem
import Glibc
import MaasCommand

/// One line on a terminal about how far training is; nothing elsewhere.
struct ProgressLine {
  private let start = maas_sys_now_ns()
  private var last: Int64 = 0
  private let label: String
  private let isShown: Bool

  init(_ label: String, isShown: Bool) {
    (self.label, self.isShown) = (label, isShown && Terminal.showsErrors)
  }

  /// `done` is the part of all work; at most ten lines a second.
  mutating func show(_ done: Double, _ figures: String) {
    guard isShown else { return }
    let now = maas_sys_now_ns()
    guard now - last > 100_000_000 else { return }
    last = now
    let seconds = Double(now - start) / 1e9
    let left = done > 0.001 ? seconds / done * (1 - done) : 0
    Terminal.progress("\(label) \(bar(done)) \(figures)  \(time(left)) left at most")
  }

  func end() { if isShown { Terminal.progress("") } }

  private func bar(_ done: Double) -> String {
    let width = 24
    let full = Int((Double(width) * min(max(done, 0), 1)).rounded())
    return String(repeating: "█", count: full) + String(repeating: "░", count: width - full)
  }
}

/// `5 s`, `2 min 10 s`, `3 h 4 min`
func time(_ seconds: Double) -> String {
  let whole = Int(max(0, seconds).rounded())
  if whole < 60 { return "\(whole) s" }
  if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
  return "\(whole / 3600) h \(whole % 3600 / 60) min"
}

/// Ctrl-C: the first one ends training, the second one the program.
enum Interruption {
  nonisolated(unsafe) private static let flag = UnsafeMutablePointer<sig_atomic_t>.allocate(capacity: 1)

  static func listen() {
    flag.pointee = 0
    // A file that must not grow is an error of its write, not the program's end.
    signal(SIGXFSZ, SIG_IGN)
    signal(SIGINT) { _ in
      Interruption.flag.pointee = 1
      signal(SIGINT, SIG_DFL)
    }
  }

  static var isAsked: Bool { flag.pointee != 0 }

  /// As a signal asks; may be called by its handler.
  static func ask() { flag.pointee = 1 }
}
