import CMaasSystem
import MaasCore
import MaasGraph

/// How a graph is run.
package struct ExecutionOptions: Sendable {
  /// Most threads one run uses, the caller included.
  package var threads: Int
  /// Most bytes one run's arena may have.
  package var memoryLimit: Int
  /// Bytes of arenas kept for input shapes seen before.
  package var planCacheLimit: Int

  package init(threads: Int, memoryLimit: Int, planCacheLimit: Int) {
    self.threads = threads
    self.memoryLimit = memoryLimit
    self.planCacheLimit = planCacheLimit
  }
}

/// A graph ready to run for any input shapes; plans are made at the first run of a shape and kept.
/// Any number of threads may run one executable at once.
package final class Executable: @unchecked Sendable {
  package let graph: Graph
  package let options: ExecutionOptions
  private let isBody: Bool
  /// Whether all inputs are tensors.
  private let takesTensors: Bool
  private let context: PlanContext
  private let lock = Lock()
  private var entries: [Entry] = []
  private var clock = 0
  private let counters = RunCounters()
  private var lastPlan: Plan?
  private var activeProfile: Profile?
  private static let maximumPlans = 64

  /// A plan and the contexts nobody runs at the moment.
  private struct Entry {
    let types: [DatumType]
    let wanted: [Bool]
    let plan: Plan
    var idle: [RunContext] = []
    var lastUse = 0

    /// Bytes that one context may keep.
    var contextBytes: Int { plan.isLast ? plan.arenaBytes : plan.family.arenaBytes }

    func fits(_ inputs: [Datum], _ targets: [OutputTarget?]) -> Bool {
      guard inputs.count == types.count, targets.count == wanted.count else { return false }
      for i in types.indices where !types[i].fits(inputs[i]) { return false }
      for i in wanted.indices where wanted[i] != (targets[i] != nil) { return false }
      return true
    }
  }

  /// `isBody`: the graph belongs to an operator, and the symbols of its inputs are nobody's promise.
  package init(
    _ graph: Graph, weights: WeightCache, options: ExecutionOptions, isBody: Bool = false
  ) {
    self.graph = graph
    self.isBody = isBody
    takesTensors = graph.inputs.allSatisfy { graph[$0].container == nil }
    self.options = options
    context = PlanContext(weights: weights, options: options)
  }

  /// Makes the plan for the declared input shapes, and packs the weights, before any run. Where dimensions are
  /// symbols the plan is for `sizes`, or 1, in their place: its weights serve all other shapes. Such a guess may not
  /// fit the model; only failures of shapes that are known are thrown.
  package func prepare(_ sizes: [Name: Int] = [:]) throws(MaasError) {
    var types: [DatumType] = []
    var guessed = false
    for id in graph.inputs {
      let declared = graph[id]
      guard declared.container == nil else {
        types.append(.other)
        continue
      }
      guard let dtype = declared.dtype, let shape = declared.shape else { return }
      let known = shape.dims.map { $0.value ?? sizes[$0.text] }
      guessed = guessed || known.contains { $0 == nil }
      types.append(.tensor(dtype, known.map { $0 ?? 1 }))
    }
    let wanted = graph.outputs.map { _ in true }
    do {
      checkIn(try checkOut(types, wanted))
    } catch {
      if !guessed { throw error }
    }
  }

  /// Runs once. `inputs` in the graph's order; `targets` has one entry per output, nil for those not wanted.
  /// Returns the wanted outputs in order.
  package func run(
    _ inputs: [Datum], _ targets: [OutputTarget?], limits: RunLimits = RunLimits()
  ) throws(MaasError) -> [Datum?] {
    var inputs = inputs
    let run = try context(&inputs, targets)
    defer { checkIn(run) }
    for i in inputs.indices {
      if !inputs[i].isAligned { inputs[i] = try inputs[i].aligned() }
      run.setInput(i, inputs[i])
    }
    defer { run.forgetAll() }
    try run.run(
      targets: targets.map { $0 ?? .allocated(keep: false) }, names: outputNames, limits: limits,
      profile: profile)
    finished(run)
    return try withExtendedLifetime(inputs) { () throws(MaasError) in try run.results.map(handedOver) }
  }

  /// A context for these inputs, which become what the graph declares.
  private func context(_ inputs: inout [Datum], _ targets: [OutputTarget?]) throws(MaasError) -> RunContext {
    // What fits an earlier run's types was checked then.
    let (given, isTyped) = (inputs, takesTensors)
    if let idle = takeIdle(where: { isTyped && $0.fits(given, targets) }) { return idle }
    inputs = inputs.enumerated().map { asDeclared($1, input: $0) }
    for (i, input) in inputs.enumerated() { try check(input, input: i) }
    return try checkOut(inputs.map { DatumType($0) }, targets.map { $0 != nil })
  }

  /// Tensors were computed in memory of the caller's or of their own; what containers hold may be seen by others.
  private func handedOver(_ result: Datum?) throws(MaasError) -> Datum? {
    guard let result, result.tensor == nil else { return result }
    return try result.copied()
  }

  /// As above for a graph of tensors.
  package func run(
    _ inputs: [Tensor], _ targets: [OutputTarget?], limits: RunLimits = RunLimits()
  ) throws(MaasError) -> [Tensor?] {
    let results = try run(inputs.map { Datum.tensor($0) }, targets, limits: limits)
    return try results.enumerated().map { (i, result) throws(MaasError) in
      guard let result else { return nil }
      if let tensor = result.tensor { return tensor }
      throw MaasError(
        .typeMismatch, "the output is no tensor", tensor: outputNames[at: i], found: "a \(result.kind)")
    }
  }

  package var outputNames: [String] { graph.outputs.map { graph[$0].name } }

  /// Whatever is given for an optional is something.
  private func asDeclared(_ input: Datum, input i: Int) -> Datum {
    guard let id = graph.inputs[at: i], case .optional = graph[id].container else { return input }
    if case .optional = input { return input }
    return .optional(input)
  }

  /// Refuses what the declared input cannot be.
  package func check(_ input: Datum, input i: Int) throws(MaasError) {
    guard let id = graph.inputs[at: i] else {
      throw MaasError(
        .invalidArgument, "there are more inputs than the model has", expected: "\(graph.inputs.count)")
    }
    let declared = graph[id]
    guard let dtype = declared.dtype else { return }
    guard let tensor = input.tensor, declared.container == nil else {
      if input.isA(declared.container, of: dtype) { return }
      throw MaasError(
        .typeMismatch, "the input is of the wrong kind", tensor: declared.name,
        expected: Fact(dtype, nil, container: declared.container).typeText, found: input.typeText)
    }
    try check(tensor, declared, dtype, "input")
  }

  /// Refuses a tensor that no run can fill; open dimensions are known only at the run.
  func check(_ tensor: Tensor, output i: Int) throws(MaasError) {
    let declared = graph[graph.outputs[i]]
    guard let dtype = declared.dtype, declared.container == nil else { return }
    try check(tensor, declared, dtype, "tensor given for this output")
  }

  private func check(_ tensor: Tensor, _ declared: Value, _ dtype: DType, _ role: String) throws(MaasError) {
    if dtype != tensor.dtype {
      throw MaasError(
        .typeMismatch, "the \(role) has the wrong element type", tensor: declared.name, expected: dtype.name,
        found: tensor.dtype.name)
    }
    guard let shape = declared.shape else { return }
    let fits =
      shape.rank == tensor.shape.count
      && zip(shape.dims, tensor.shape).allSatisfy { dim, size in dim.value == nil || dim.value == size }
    if !fits {
      throw MaasError(
        .shapeMismatch, "the \(role) has the wrong shape", tensor: declared.name, expected: shape.text,
        found: describe(tensor.shape))
    }
  }
}

extension Datum {
  fileprivate var isAligned: Bool { if case .tensor(let tensor) = self { tensor.isAligned } else { true } }

  /// The same at addresses that its elements may be loaded from.
  fileprivate func aligned() throws(MaasError) -> Datum {
    guard case .tensor(let tensor) = self else { return self }
    return .tensor(try MaasGraph.aligned(tensor))
  }
}

extension Executable {
  /// Refuses a symbol of the declared inputs that would have two sizes.
  private func checkSymbols(_ types: [DatumType]) throws(MaasError) {
    var sizes: [Dim: Int] = [:]
    for (id, type) in zip(graph.inputs, types) {
      guard case .tensor(_, let shape) = type else { continue }
      for (dim, size) in zip(graph[id].shape?.dims ?? [], shape) where dim.value == nil {
        let known = sizes[dim] ?? size
        sizes[dim] = known
        if known == size { continue }
        throw MaasError(
          .shapeMismatch, "dimension '\(dim.text)' has two values", tensor: graph[id].name,
          expected: "\(known) as in an input before", found: "\(size) in \(describe(shape))")
      }
    }
  }
}

// Contexts in and out.
extension Executable {
  func checkOut(_ types: [DatumType], _ wanted: [Bool]) throws(MaasError) -> RunContext {
    guard types.count == graph.inputs.count else {
      throw MaasError(
        .missingInput, "not every input of the model is given", expected: "\(graph.inputs.count) inputs",
        found: "\(types.count)")
    }
    if let context = takeIdle(where: { $0.types == types && $0.wanted == wanted }) { return context }
    let plan = try plan(types, wanted)
    return try RunContext(
      plan, inputCount: types.count, outputCount: wanted.count, threads: options.threads)
  }

  private func takeIdle(where fits: (Entry) -> Bool) -> RunContext? {
    lock.holding {
      guard let i = entries.firstIndex(where: fits) else { return nil }
      clock += 1
      entries[i].lastUse = clock
      return entries[i].idle.popLast()
    }
  }

  private func plan(_ types: [DatumType], _ wanted: [Bool]) throws(MaasError) -> Plan {
    let fits = { (entry: Entry) in entry.types == types && entry.wanted == wanted }
    if let known = lock.holding({ entries.first(where: fits)?.plan }) { return known }
    if !isBody { try checkSymbols(types) }
    var builder = try PlanBuilder(graph, inputs: types, wantedOutputs: wanted, context: context)
    let plan = try builder.build()
    return lock.holding {
      if let earlier = entries.first(where: fits)?.plan { return earlier }
      clock += 1
      entries.append(Entry(types: types, wanted: wanted, plan: plan, lastUse: clock))
      evict()
      return plan
    }
  }

  func checkIn(_ run: RunContext) {
    lock.holding {
      // A plan that was evicted meanwhile takes its context with it.
      if let i = entries.firstIndex(where: { $0.plan === run.root.plan }) { entries[i].idle.append(run) }
      evict()
    }
  }

  /// Drops contexts, then plans, used least recently until the cache is within its limits; of the newest plan one
  /// context always stays.
  private func evict() {
    var total = entries.reduce(0) { $0 + $1.contextBytes * max($1.idle.count, 1) }
    while entries.count > Self.maximumPlans || total > options.planCacheLimit {
      guard let oldest = entries.indices.min(by: { entries[$0].lastUse < entries[$1].lastUse }) else {
        return
      }
      total -= entries[oldest].contextBytes
      if entries[oldest].idle.count > 1 {
        entries[oldest].idle.removeFirst()
      } else if entries.count > 1 {
        entries.remove(at: oldest)
      } else {
        return
      }
    }
  }
}

// What users ask about runs.
extension Executable {
  func finished(_ run: RunContext) {
    let plan = run.lastInstance.plan
    counters.count(allocations: run.allocations)
    if counters.isLast(plan) { return }
    lock.holding {
      lastPlan = plan
      counters.setLast(plan)
    }
  }

  package struct Statistics: Sendable {
    package let steps: Int
    package let arenaBytes: Int
    package let packedBytes: Int
    package let plans: Int
    package let runs: Int
    package let allocations: Int
  }

  package var statistics: Statistics {
    lock.holding {
      let plan = lastPlan ?? entries.last?.plan
      return Statistics(
        steps: plan?.steps.count ?? 0, arenaBytes: plan?.arenaBytes ?? 0,
        packedBytes: context.weights.byteCount,
        plans: entries.count, runs: counters.runs, allocations: counters.allocations)
    }
  }

  /// The plan that was made last.
  var newestPlan: Plan? { lock.holding { entries.last?.plan } }

  package var weights: WeightCache { context.weights }

  package var profile: Profile? { counters.isProfiled ? lock.holding { activeProfile } : nil }

  /// Records every step of every run from now on; false when a recording is under way.
  package func startProfile() -> Bool {
    lock.holding {
      guard activeProfile == nil else { return false }
      activeProfile = Profile()
      counters.isProfiled = true
      return true
    }
  }

  package func stopProfile() -> Profile? {
    lock.holding {
      counters.isProfiled = false
      defer { activeProfile = nil }
      return activeProfile
    }
  }
}
