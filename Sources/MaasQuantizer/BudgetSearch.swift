import MaasCore
import MaasGraph

/// Gives layers more bits, and then back to float, the worst first, until the outputs are good enough.
struct BudgetSearch {
  private let assembly: Assembly
  private let comparison: ModelComparison
  private let progress: (String) -> Void
  private(set) var choices: [LayerChoice]

  init(
    _ choices: [LayerChoice], _ assembly: Assembly, _ comparison: ModelComparison,
    progress: @escaping (String) -> Void
  ) {
    (self.choices, self.assembly, self.comparison, self.progress) = (choices, assembly, comparison, progress)
  }

  mutating func run() throws(MaasError) {
    if try holds(choices) { return }
    let raised = all(choices.indices.filter { choices[$0].better != nil }, of: choices)
    if !raised.isEmpty, try holds(changed(raised.count)) { return try settle(raised.count) }
    choices = changed(raised.count)
    // Layers that float gives back lose everything; enough of them always do.
    try settle(all(choices.indices.filter { choices[$0].chosen != nil }, of: choices).count)
  }

  /// The layers of `places`, the worst first.
  private func all(_ places: [Int], of choices: [LayerChoice]) -> [Int] {
    places.sorted { (choices[$0].current?.error.all.sqnr ?? 0) < (choices[$1].current?.error.all.sqnr ?? 0) }
  }

  /// The choices with the worst `count` of the layers changed that still can be raised, or else given back.
  private func changed(_ count: Int) -> [LayerChoice] {
    var changed = choices
    let raises = choices.contains { $0.better != nil }
    let places = all(
      choices.indices.filter { raises ? choices[$0].better != nil : choices[$0].chosen != nil }, of: choices)
    for i in places.prefix(count) {
      changed[i].chosen = raises ? choices[i].better : nil
      changed[i].reason = raises ? "more bits for the error budget" : "over the error budget"
    }
    return changed
  }

  /// The least count of changes with which the budget holds; `most` are enough.
  private mutating func settle(_ most: Int) throws(MaasError) {
    var (low, high) = (0, most)
    while high - low > 1 {
      let middle = (low + high) / 2
      if try holds(changed(middle)) { high = middle } else { low = middle }
    }
    choices = changed(high)
  }

  private func holds(_ choices: [LayerChoice]) throws(MaasError) -> Bool {
    progress("measuring with \(choices.count { $0.chosen != nil }) of \(choices.count) layers quantized")
    return comparison.isWithinBudget(try comparison.error(try assembly.model(choices)))
  }
}
