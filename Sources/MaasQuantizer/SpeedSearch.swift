import MaasCore

extension LayerChoice {
  /// Microseconds that the layer by itself gains; 0 for one that cannot be run alone.
  fileprivate var gain: Double {
    guard let time = current?.time else { return 0 }
    return time.before - time.after
  }

  /// Allows only precisions that are faster, and takes the first of them.
  mutating func keepOnlyFaster() {
    for i in precisions.indices {
      precisions[i].isAllowed = precisions[i].time.map { $0.after < $0.before } ?? true
    }
    chosen = precisions.firstIndex { $0.isAllowed }
    if chosen == nil { reason = "not faster on this machine" }
  }

  fileprivate mutating func giveBack(_ reason: String) {
    chosen = nil
    self.reason = reason
  }
}

extension [LayerChoice] {
  /// Gives layers back to float, those that gain least first, until nothing speaks against the whole or none is left.
  /// What layers cost between each other shows only in the whole, and layers that gain much are worth that most likely.
  /// Where there are many, several go at once, so that the whole is tried eight times at most.
  mutating func giveBack(
    while fault: ([LayerChoice]) throws(MaasError) -> String?
  ) throws(MaasError) {
    let step = (count { $0.chosen != nil } + 7) / 8
    while contains(where: { $0.chosen != nil }), let reason = try fault(self) {
      for _ in 0..<step { giveBackTheLeast(reason) }
    }
  }

  private mutating func giveBackTheLeast(_ reason: String) {
    let kept = indices.filter { self[$0].chosen != nil }
    if let least = kept.min(by: { self[$0].gain < self[$1].gain }) { self[least].giveBack(reason) }
  }
}
