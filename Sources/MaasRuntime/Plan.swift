import CMaasSystem
import MaasCore
import MaasGraph

/// Where an operand of a step is.
enum Location: Hashable {
  /// In the arena of this plan (`level` 0 is the first plan of a run, the last is this one).
  case arena(level: Int, offset: Int)
  case input(Int)
  case output(Int)
  /// A constant, packed weights: kept alive by the plan.
  case fixed(UnsafeMutableRawPointer)
  case omitted
}

/// One step with everything but the addresses that change from run to run.
struct PlannedStep {
  let template: StepTemplate
  let locations: [Location]
  let node: Int
}

/// Element type and concrete shape.
package struct TensorType: Sendable, Equatable {
  package let dtype: DType
  package let shape: [Int]
}

/// What a plan still knows of a node, for errors and profiles.
package struct StepLabel: Sendable {
  package let node: String
  package let operatorName: String
  package let shapes: String
}

/// A value that the plan reads after its last step because the rest of the graph depends on its contents.
struct ContentRead {
  let value: Int  // index into PlanState.values
  let location: Location
  let dtype: DType
  let shape: [Int]
  let byteCount: Int
}

/// A graph, or the part of it up to a point where data decides how to go on, as a flat list of steps for concrete
/// input shapes. Immutable; every thread that runs it brings a `PlanInstance`.
package final class Plan: @unchecked Sendable {
  let steps: [PlannedStep]
  let labels: [StepLabel]
  let level: Int
  let arenaBytes: Int
  let scratchBytes: Int
  /// Keeps constants and packed weights at their addresses.
  let retained: [TensorStorage]
  /// For a plan that ends the graph: what every wanted output is.
  let outputs: [TensorType?]
  /// For a plan that does not: what to read, and from where the next plans go on.
  let reads: [ContentRead]
  let rest: PlanState?

  /// Plans that continue this one, by the contents they were made for, most recently used last.
  private let lock = Lock()
  private var continuations: [(contents: [UInt8], plan: Plan)] = []
  private static let maximumContinuations = 32

  init(
    steps: [PlannedStep], labels: [StepLabel], level: Int, arenaBytes: Int, retained: [TensorStorage],
    outputs: [TensorType?], reads: [ContentRead], rest: PlanState?
  ) {
    self.steps = steps
    self.labels = labels
    self.level = level
    self.arenaBytes = arenaBytes
    self.retained = retained
    self.outputs = outputs
    self.reads = reads
    self.rest = rest
    scratchBytes = steps.reduce(0) { max($0, $1.template.scratch) }
  }

  /// The plan that goes on after these contents were read.
  func continuation(_ contents: [UInt8], _ tensors: [Tensor]) throws(MaasError) -> Plan? {
    guard let rest else { return nil }
    if let known = lock.holding({ continuations.last { $0.contents == contents }?.plan }) { return known }
    var builder = PlanBuilder(continuing: rest)
    for (read, tensor) in zip(reads, tensors) { builder.learn(read.value, tensor) }
    let plan = try builder.build()
    lock.holding {
      if continuations.count == Self.maximumContinuations { continuations.removeFirst() }
      continuations.append((contents, plan))
    }
    return plan
  }
}
