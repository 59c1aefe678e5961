import MaasCore

/// Which samples are learned from, which decide when to stop, and which only judge.
package struct Split: Sendable {
  package var training: [Int]
  package var validation: [Int]
  package var test: [Int]

  /// Parts of all samples, drawn by `seed`; of each class the same parts where the targets are classes.
  package init(_ targets: Targets, count: Int, validation: Double, test: Double, seed: Int64) {
    (training, self.validation, self.test) = ([], [], [])
    for group in groups(targets, count, seed: seed) {
      let (tests, validations) = (part(test, of: group.count), part(validation, of: group.count))
      self.test += group[..<tests]
      self.validation += group[tests..<min(group.count, tests + validations)]
      training += group[min(group.count, tests + validations)...]
    }
    training.sort()
    self.validation.sort()
    self.test.sort()
  }
}

extension Split {
  /// Some of the samples, of which a part is for validation.
  package init(_ targets: Targets, of samples: [Int], validation: Double, seed: Int64) {
    let chosen = Set(samples)
    (training, self.validation, test) = ([], [], [])
    for group in groups(targets, (samples.max() ?? -1) + 1, seed: seed) {
      let own = group.filter { chosen.contains($0) }
      let count = part(validation, of: own.count)
      self.validation += own[..<count]
      training += own[count...]
    }
    training.sort()
    self.validation.sort()
  }
}

/// `samples` in `count` parts, with about the same share of each class in each.
package func folds(_ samples: [Int], _ targets: Targets, count: Int, seed: Int64) -> [[Int]] {
  var folds = [[Int]](repeating: [], count: count)
  var next = 0
  let chosen = Set(samples)
  for group in groups(targets, (samples.max() ?? -1) + 1, seed: seed) {
    for sample in group where chosen.contains(sample) {
      folds[next % count].append(sample)
      next += 1
    }
  }
  return folds.map { $0.sorted() }
}

/// Samples so often that each class has as many as the largest: those that are repeated are drawn by `seed`.
package func balanced(_ samples: [Int], _ targets: Targets, seed: Int64) -> [Int] {
  guard case .classes(let classes, let names) = targets else { return samples }
  var groups = [[Int]](repeating: [], count: names.count)
  for sample in samples { groups[classes[sample]].append(sample) }
  let most = groups.map { $0.count }.max() ?? 0
  var result: [Int] = []
  for (label, group) in groups.enumerated() where !group.isEmpty {
    result += (0..<most / group.count).flatMap { _ in group }
    result += shuffled(group, seed: seed, stream: RandomUse.repetitions + UInt32(label)).prefix(
      most % group.count)
  }
  return result
}

/// The samples of each class, or all of them, in an order drawn by `seed`.
private func groups(_ targets: Targets, _ count: Int, seed: Int64) -> [[Int]] {
  guard case .classes(let classes, let names) = targets else {
    return [shuffled(Array(0..<count), seed: seed, stream: RandomUse.groups)]
  }
  var groups = [[Int]](repeating: [], count: names.count)
  for sample in 0..<count { groups[classes[sample]].append(sample) }
  return groups.enumerated().map { shuffled($1, seed: seed, stream: RandomUse.groups + UInt32($0)) }
}

/// At least one of each group of three or more, where a part is asked for.
private func part(_ part: Double, of count: Int) -> Int {
  let wanted = Int((part * Double(count)).rounded())
  return wanted == 0 && part > 0 && count >= 3 ? 1 : min(wanted, count)
}
