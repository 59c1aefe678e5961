import CMaasSystem
import MaasCore
import MaasGraph

/// Where an operand of a step is.
enum Location: Hashable {
  /// In the arena of this plan (`level` 0 is the first plan of a run, the last is this one).
  case arena(level: Int, offset: Int)
  case input(Int)
  case output(Int)
  /// The tensor in one of the run's slots, see `RunData`.
  case slot(Int)
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

/// What a plan is made for: the type of a tensor, or something that no step looks into.
enum DatumType: Equatable {
  case tensor(DType, [Int])
  case other

  init(_ datum: Datum) {
    self = datum.tensor.map { .tensor($0.dtype, $0.shape) } ?? .other
  }

  func fits(_ datum: Datum) -> Bool {
    guard case .tensor(let dtype, let shape) = self else { return datum.tensor == nil }
    guard case .tensor(let tensor) = datum else { return false }
    return tensor.dtype == dtype && tensor.shape == shape
  }

  /// The type as numbers, the same for equal types only.
  func append(to key: inout [Int]) {
    guard case .tensor(let dtype, let shape) = self else { return key.append(-1) }
    key.append(Int(dtype.rawValue))
    key.append(shape.count)
    key += shape
  }
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

/// A node that runs as Swift code after the last step of a plan.
struct HostSite {
  let node: Node
  let op: any HostOperator
  /// The node's inputs, captures of its bodies included.
  let inputs: [HostSource?]
  /// What inference says of the outputs.
  let facts: [Fact?]
  /// Which outputs somebody reads.
  let wanted: [Bool]
  /// The slot that each output goes to; nil for those left out.
  let results: [Int?]
}

/// Where a host operator finds an input.
enum HostSource {
  case tensor(Location, DType, [Int])
  case constant(Tensor)
  /// `isLast`: nobody reads the slot afterwards.
  case slot(Int, isLast: Bool)
}

/// What comes after the last step of a plan.
enum PlanEnd {
  /// The graph's outputs are there.
  case finished
  /// The plan goes on as these contents say.
  case reads([ContentRead], rest: PlanState)
  /// The plan goes on with the results of a host operator.
  case call(HostSite, rest: PlanState)
}

/// Where a plan that ends the graph has one of its outputs.
enum PlanOutput {
  /// A tensor, computed where the caller wants it.
  case tensor(TensorType)
  case slot(Int)

  /// Strings are moved without their bytes, and slots are not where the caller looks.
  fileprivate var isDelivered: Bool {
    if case .tensor(let type) = self { type.dtype == .string } else { true }
  }
}

/// A graph, or the part of it up to a point where data decides how to go on, as a flat list of steps for concrete
/// input shapes. Immutable; every thread that runs it brings a `PlanInstance`.
package final class Plan: @unchecked Sendable {
  let steps: [PlannedStep]
  let labels: [StepLabel]
  let level: Int
  let arenaBytes: Int
  /// See `ArenaLayout`.
  let leastArenaBytes: Int
  let scratchBytes: Int
  /// Keeps constants and packed weights at their addresses.
  let retained: [TensorStorage]
  /// For a plan that ends the graph: every wanted output.
  let outputs: [PlanOutput?]
  let end: PlanEnd
  /// Whether the plan ends the graph.
  let isLast: Bool
  /// Whether some output is not computed where the caller wants it, see `RunContext.deliver`.
  let delivers: Bool
  /// Whether some step has work for more than one thread.
  let isSplit: Bool
  /// Slots of the run that are in use after this plan.
  let slotCount: Int
  #if !hasFeature(Embedded)
    /// For a plan that is the whole run; set before anybody else sees the plan.
    var overwriting: Overwriting?
  #endif

  /// Plans that continue this one, by what they were made for, most recently used last.
  let family: PlanFamily
  private let lock = Lock()
  private var continuations: [(key: [UInt8], plan: Plan)] = []
  private var era = 0
  private static let maximumContinuations = 32

  init(
    steps: [PlannedStep], labels: [StepLabel], level: Int, arena: ArenaLayout, retained: [TensorStorage],
    outputs: [PlanOutput?], end: PlanEnd, slotCount: Int, family: PlanFamily
  ) {
    self.steps = steps
    self.labels = labels
    self.level = level
    arenaBytes = arena.byteCount
    leastArenaBytes = arena.leastBytes
    self.retained = retained
    self.outputs = outputs
    self.end = end
    if case .finished = end { isLast = true } else { isLast = false }
    delivers = outputs.contains { $0?.isDelivered ?? false }
    isSplit = steps.contains { $0.template.items > $0.template.grain }
    self.slotCount = slotCount
    self.family = family
    scratchBytes = steps.reduce(0) { max($0, $1.template.scratch) }
  }

  /// The plan that goes on after these contents were read.
  func continuation(reading tensors: [Tensor]) throws(MaasError) -> Plan? {
    guard case .reads(let reads, let rest) = end else { return nil }
    var key: [UInt8] = []
    for tensor in tensors { key += UnsafeRawBufferPointer(start: tensor.bytes, count: tensor.byteCount) }
    return try continuation(key) { () throws(MaasError) in
      var builder = PlanBuilder(continuing: rest)
      for (read, tensor) in zip(reads, tensors) { builder.learn(read.value, tensor) }
      return try builder.build()
    }
  }

  /// The plan that goes on with results of these types.
  func continuation(with types: [DatumType?]) throws(MaasError) -> Plan? {
    guard case .call(let site, let rest) = end else { return nil }
    var numbers: [Int] = []
    for type in types { (type ?? .other).append(to: &numbers) }
    let key = numbers.withUnsafeBytes { Array($0) }
    return try continuation(key) { () throws(MaasError) in
      var builder = PlanBuilder(continuing: rest)
      try builder.adopt(types, of: site)
      return try builder.build()
    }
  }

  private func continuation(
    _ key: [UInt8], _ make: () throws(MaasError) -> Plan
  ) throws(MaasError) -> Plan {
    if let known = known(key) { return known }
    let plan = try make()
    lock.holding {
      if continuations.count == Self.maximumContinuations { continuations.removeFirst() }
      continuations.append((key, plan))
    }
    return plan
  }

  private func known(_ key: [UInt8]) -> Plan? {
    let now = family.era
    return lock.holding {
      if era != now { continuations = [] }
      era = now
      return continuations.last { $0.key == key }?.plan
    }
  }
}
