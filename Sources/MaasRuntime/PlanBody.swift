import MaasCore
import MaasGraph

/// A body of a host operator as one run of the graph around it uses it. Memory of results goes from run to run.
final class PlanBody: BodyRunner {
  private let executable: Executable
  private let names: [String]
  private let inputCount: Int
  private var captures: [Datum] = []
  private var limits = RunLimits()
  private var context: RunContext?
  private var types: [DatumType] = []
  /// The results of the last run and of the one before it, for the next one to write over.
  private var last: [Datum] = []
  private var free: [Datum] = []
  private var targets: [OutputTarget]
  /// Blocks of memory that the runs since `prepare` asked for.
  private(set) var allocations = 0

  init(_ executable: Executable) {
    self.executable = executable
    names = executable.outputNames
    inputCount = executable.graph.inputs.count
    targets = names.map { _ in .allocated(keep: false) }
  }

  deinit { release() }

  var captureCount: Int { executable.graph.captureCount }

  /// What the body sees of the graph around it during the next runs.
  func prepare(captures: [Datum], _ limits: RunLimits) {
    self.captures = captures
    self.limits = limits
    allocations = 0
    if let context { setCaptures(context) }
  }

  func run(_ inputs: inout [Datum], _ results: inout [Datum]) throws(MaasError) {
    let context = try context(for: inputs)
    results.removeAll(keepingCapacity: true)
    for i in inputs.indices {
      context.setInput(i, inputs[i])
      if inputs[i].tensor == nil { inputs[i] = .nothing }
    }
    chooseTargets()
    try context.run(targets: targets, names: names, limits: limits, profile: nil)
    allocations += context.allocations
    swap(&free, &last)
    last.removeAll(keepingCapacity: true)
    for i in names.indices {
      guard let result = context.takeResult(i) else { throw MaasError(.internal, "an output is missing") }
      last.append(result.tensor == nil ? .nothing : result)
      results.append(result)
    }
    for i in targets.indices { targets[i] = .allocated(keep: false) }
  }

  /// Results of the run before the last that nobody else holds are written over.
  private func chooseTargets() {
    for i in free.indices {
      guard case .tensor(var tensor) = free[i], tensor.dtype != .string else { continue }
      free[i] = .nothing
      if isKnownUniquelyReferenced(&tensor), tensor.isUnshared() { targets[i] = .offered(tensor) }
    }
    free.removeAll(keepingCapacity: true)
  }

  private func context(for inputs: [Datum]) throws(MaasError) -> RunContext {
    if let context, matches(inputs) { return context }
    release()
    guard inputs.count + captures.count == inputCount else {
      throw MaasError(
        .invalidModel, "the body '\(executable.graph.name)' has the wrong number of inputs",
        expected: "\(inputs.count)", found: "\(inputCount - captures.count)")
    }
    let all = inputs + captures
    for (i, input) in all.enumerated() { try executable.check(input, input: i) }
    types = all.map { DatumType($0) }
    let made = try executable.checkOut(types, names.map { _ in true })
    context = made
    made.freshInputs = inputs.count
    setCaptures(made)
    return made
  }

  private func setCaptures(_ context: RunContext) {
    for (i, capture) in captures.enumerated() {
      context.setInput(inputCount - captures.count + i, capture)
    }
  }

  private func matches(_ inputs: [Datum]) -> Bool {
    guard inputs.count + captures.count == types.count else { return false }
    for i in inputs.indices where !types[i].fits(inputs[i]) { return false }
    for i in captures.indices where !types[inputs.count + i].fits(captures[i]) { return false }
    return true
  }

  private func release() {
    guard let context else { return }
    context.forgetAll()
    executable.checkIn(context)
    self.context = nil
  }
}

extension Datum {
  /// In the place of what has been given away.
  fileprivate static var nothing: Datum { .sequence([]) }
}
