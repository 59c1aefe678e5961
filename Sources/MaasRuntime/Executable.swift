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
  private let context: PlanContext
  private let lock = Lock()
  private var entries: [Entry] = []
  private var clock = 0
  private var counters = Counters()
  private var activeProfile: Profile?
  private static let maximumPlans = 64

  /// Counts for `statistics`.
  private struct Counters {
    var runs = 0
    var lastAllocations = 0
    var lastPlan: Plan?
  }

  /// A plan and the contexts nobody runs at the moment.
  private struct Entry {
    let key: [Int]
    let plan: Plan
    var idle: [RunContext] = []
    var lastUse = 0
  }

  package init(_ graph: Graph, weights: WeightCache, options: ExecutionOptions) {
    self.graph = graph
    self.options = options
    context = PlanContext(weights: weights, threads: options.threads, memoryLimit: options.memoryLimit)
  }

  /// Makes the plan for the declared input shapes, and packs the weights, before any run. Where dimensions are
  /// symbols the plan is for 1 in their place: its weights serve all other shapes. Such a guess may not fit the model;
  /// only failures of shapes that the model fixes are thrown.
  package func prepare() throws(MaasError) {
    var shapes: [[Int]] = []
    var guessed = false
    for id in graph.inputs {
      guard let shape = graph[id].shape else { return }
      guessed = guessed || shape.concrete == nil
      shapes.append(shape.dims.map { $0.value ?? 1 })
    }
    let wanted = graph.outputs.map { _ in true }
    do {
      checkIn(try checkOut(shapes, wanted), shapes, wanted)
    } catch {
      if !guessed { throw error }
    }
  }

  /// Runs once. `inputs` in the graph's order; `targets` has one entry per output, nil for those not wanted.
  /// Returns the wanted outputs in order.
  package func run(
    _ inputs: [Tensor], _ targets: [OutputTarget?], limits: RunLimits = RunLimits()
  ) throws(MaasError) -> [Tensor?] {
    for (i, tensor) in inputs.enumerated() { try check(tensor, input: i) }
    let shapes = inputs.map { $0.shape }
    let wanted = targets.map { $0 != nil }
    let run = try checkOut(shapes, wanted)
    defer { checkIn(run, shapes, wanted) }
    let aligned = try inputs.map { (tensor) throws(MaasError) in try MaasGraph.aligned(tensor) }
    for i in aligned.indices { run.setInput(i, aligned[i].bytes) }
    defer { run.forgetResults() }
    try run.run(
      targets: targets.map { $0 ?? .allocated(keep: false) }, names: outputNames, limits: limits,
      profile: profile)
    finished(run)
    return withExtendedLifetime(aligned) { run.results }
  }

  package var outputNames: [String] { graph.outputs.map { graph[$0].name } }

  /// Refuses a tensor that the declared input cannot be.
  package func check(_ tensor: Tensor, input i: Int) throws(MaasError) {
    guard let id = graph.inputs[at: i] else {
      throw MaasError(
        .invalidArgument, "there are more inputs than the model has", expected: "\(graph.inputs.count)")
    }
    let declared = graph[id]
    if let dtype = declared.dtype, dtype != tensor.dtype {
      throw MaasError(
        .typeMismatch, "the input has the wrong element type", tensor: declared.name, expected: dtype.name,
        found: tensor.dtype.name)
    }
    guard let shape = declared.shape else { return }
    let fits =
      shape.rank == tensor.shape.count
      && zip(shape.dims, tensor.shape).allSatisfy { dim, size in dim.value == nil || dim.value == size }
    if !fits {
      throw MaasError(
        .shapeMismatch, "the input has the wrong shape", tensor: declared.name, expected: shape.text,
        found: describe(tensor.shape))
    }
  }
}

extension Executable {
  /// Refuses a symbol of the declared inputs that would have two sizes.
  private func checkSymbols(_ shapes: [[Int]]) throws(MaasError) {
    var sizes: [String: Int] = [:]
    for (id, shape) in zip(graph.inputs, shapes) {
      for (dim, size) in zip(graph[id].shape?.dims ?? [], shape) where dim.value == nil {
        let known = sizes[dim.text] ?? size
        sizes[dim.text] = known
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
  private func key(_ shapes: [[Int]], _ wanted: [Bool]) -> [Int] {
    wanted.map { $0 ? 1 : 0 } + shapes.flatMap { [$0.count] + $0 }
  }

  func checkOut(_ shapes: [[Int]], _ wanted: [Bool]) throws(MaasError) -> RunContext {
    guard shapes.count == graph.inputs.count else {
      throw MaasError(
        .missingInput, "not every input of the model is given", expected: "\(graph.inputs.count) inputs",
        found: "\(shapes.count)")
    }
    let key = key(shapes, wanted)
    if let context = takeIdle(key) { return context }
    let plan = try plan(key, shapes, wanted)
    return try RunContext(
      plan, inputCount: shapes.count, outputCount: wanted.count, threads: options.threads)
  }

  private func takeIdle(_ key: [Int]) -> RunContext? {
    lock.holding {
      guard let i = entries.firstIndex(where: { $0.key == key }) else { return nil }
      clock += 1
      entries[i].lastUse = clock
      return entries[i].idle.popLast()
    }
  }

  private func plan(_ key: [Int], _ shapes: [[Int]], _ wanted: [Bool]) throws(MaasError) -> Plan {
    if let known = lock.holding({ entries.first { $0.key == key }?.plan }) { return known }
    try checkSymbols(shapes)
    var builder = try PlanBuilder(graph, inputShapes: shapes, wantedOutputs: wanted, context: context)
    let plan = try builder.build()
    return lock.holding {
      if let earlier = entries.first(where: { $0.key == key })?.plan { return earlier }
      clock += 1
      entries.append(Entry(key: key, plan: plan, lastUse: clock))
      evict()
      return plan
    }
  }

  func checkIn(_ run: RunContext, _ shapes: [[Int]], _ wanted: [Bool]) {
    let key = key(shapes, wanted)
    lock.holding {
      // A plan that was evicted meanwhile takes its context with it.
      if let i = entries.firstIndex(where: { $0.key == key }) { entries[i].idle.append(run) }
      evict()
    }
  }

  /// Drops the plans used least recently until the cache is within its limits; the newest always stays.
  private func evict() {
    func bytes(_ entry: Entry) -> Int { entry.plan.arenaBytes * max(entry.idle.count, 1) }
    var total = entries.reduce(0) { $0 + bytes($1) }
    while entries.count > 1, entries.count > Self.maximumPlans || total > options.planCacheLimit {
      guard let oldest = entries.indices.min(by: { entries[$0].lastUse < entries[$1].lastUse }) else {
        return
      }
      total -= bytes(entries[oldest])
      entries.remove(at: oldest)
    }
  }
}

// What users ask about runs.
extension Executable {
  func finished(_ run: RunContext) {
    lock.holding {
      counters.runs += 1
      counters.lastAllocations = run.allocations
      if counters.lastPlan !== run.lastInstance.plan { counters.lastPlan = run.lastInstance.plan }
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
      let plan = counters.lastPlan ?? entries.last?.plan
      return Statistics(
        steps: plan?.steps.count ?? 0, arenaBytes: plan?.arenaBytes ?? 0,
        packedBytes: context.weights.byteCount,
        plans: entries.count, runs: counters.runs, allocations: counters.lastAllocations)
    }
  }

  package var profile: Profile? { lock.holding { activeProfile } }

  /// Records every step of every run from now on; false when a recording is under way.
  package func startProfile() -> Bool {
    lock.holding {
      guard activeProfile == nil else { return false }
      activeProfile = Profile()
      return true
    }
  }

  package func stopProfile() -> Profile? {
    lock.holding {
      defer { activeProfile = nil }
      return activeProfile
    }
  }
}
