import MaasCore

/// A plan and all that continue it, directly or not. What data decides at one point multiplies with what it decides at
/// the next, so no limit at each point bounds their number: when there are too many, an era ends, and the plans of the
/// next are made anew as runs need them.
final class PlanFamily: @unchecked Sendable {
  private let lock = Lock()
  private let byteLimit: Int
  private var currentEra = 0
  private var count = 0
  private var bytes = 0
  private static let mostPlans = 256

  /// `byteLimit`: most bytes of arenas that one run at a time may keep for this family.
  init(byteLimit: Int) { self.byteLimit = byteLimit }

  /// What was kept in an earlier era is to be forgotten.
  var era: Int { lock.holding { currentEra } }

  /// Bytes of the arenas of all plans of this era.
  var arenaBytes: Int { lock.holding { bytes } }

  /// Counts a plan. It and the plans on the way to it, with `chainBytes` together, always fit: a run needs them at
  /// once.
  func add(level: Int, arenaBytes: Int, chainBytes: Int) {
    lock.holding {
      count += 1
      bytes += arenaBytes
      if count <= Self.mostPlans + level, bytes - chainBytes <= byteLimit { return }
      currentEra += 1
      count = level + 1
      bytes = chainBytes
    }
  }
}
