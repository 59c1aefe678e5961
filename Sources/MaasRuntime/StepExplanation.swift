import CMaasSystem
import MaasCore
import MaasGraph

/// What a plan does at one step, and why.
package struct StepExplanation: Sendable {
  package let node: String
  package let operatorName: String
  package let shapes: String
  package let kernel: String
  /// Work items, and how many of them a thread takes at a time.
  package let items: Int
  package let grain: Int
  /// Weights that were packed for the step.
  package let packed: [Packing]

  /// Pieces that threads may take.
  package var chunks: Int { grain >= items ? 1 : (items - 1) / grain + 1 }
}

/// A plan, to be told to people.
package struct PlanExplanation: Sendable {
  package let steps: [StepExplanation]
  /// Of the values between steps, and what they would take in the best of all layouts; 0 where that is not known.
  package let arenaBytes: Int
  package let leastArenaBytes: Int
  /// What ends the plan where that is not the graph's end.
  package let end: String?
}

extension Executable {
  /// The plan for the declared input shapes with `sizes` for their symbols.
  package func explain(_ sizes: [Name: Int]) throws(MaasError) -> PlanExplanation {
    try prepare(sizes)
    guard let plan = newestPlan else {
      throw MaasError(.unsupported, "an input of the model has no known shape, so that there is no plan")
    }
    let packings = weights.packings
    let steps = plan.steps.map { step in
      let label = plan.labels[step.node]
      let packed = step.locations.compactMap { location in
        if case .fixed(let address) = location { packings[address] } else { nil }
      }
      return StepExplanation(
        node: label.node, operatorName: label.operatorName, shapes: label.shapes,
        kernel: step.template.kernel, items: step.template.items, grain: step.template.grain, packed: packed)
    }
    return PlanExplanation(
      steps: steps, arenaBytes: plan.arenaBytes, leastArenaBytes: plan.leastArenaBytes, end: plan.endText)
  }
}

extension Plan {
  /// What follows where the plan does not end the graph.
  fileprivate var endText: String? {
    switch end {
    case .finished: nil
    case .reads: "data of this run decides the steps that follow"
    case .call(let site, _):
      "node '\(site.node.name)' (\(site.op.name)) runs between plans; what follows depends on it"
    }
  }
}
