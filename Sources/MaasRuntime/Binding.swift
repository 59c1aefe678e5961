import MaasCore
import MaasGraph

/// Inputs and outputs that stay the same over many runs: checked and looked up once, then a run is only its steps.
/// For one thread at a time.
package final class Binding {
  private let executable: Executable
  private let names: [String]
  private var inputs: [Datum?]
  private var targets: [OutputTarget]
  private var context: RunContext?

  package init(_ executable: Executable) {
    self.executable = executable
    names = executable.outputNames
    inputs = executable.graph.inputs.map { _ in nil }
    targets = executable.graph.outputs.map { _ in .allocated(keep: true) }
  }

  deinit { release() }

  /// Binds an input, which is read at each run.
  package func setInput(_ i: Int, _ input: Datum) throws(MaasError) {
    try executable.check(input, input: i)
    if let tensor = input.tensor, !tensor.isAligned {
      throw MaasError(
        .invalidArgument, "the address of a bound input must be a multiple of its element's size",
        tensor: executable.graph[executable.graph.inputs[i]].name)
    }
    let sameType = inputs[i].map { DatumType($0) } == DatumType(input)
    inputs[i] = input
    if sameType { context?.setInput(i, input) } else { release() }
  }

  package func setInput(_ i: Int, _ tensor: Tensor) throws(MaasError) { try setInput(i, .tensor(tensor)) }

  package func setOutput(_ i: Int, _ target: OutputTarget) throws(MaasError) {
    guard i < targets.count else { return }
    if case .tensor(let tensor) = target { try executable.check(tensor, output: i) }
    targets[i] = target
    // The memory of the last result may be the caller's, who takes it back with this call.
    context?.forgetResult(i)
  }

  package func clearInputs() {
    release()
    for i in inputs.indices { inputs[i] = nil }
  }

  package func clearOutputs() {
    for i in targets.indices { targets[i] = .allocated(keep: true) }
    context?.forgetResults()
  }

  package func run(limits: RunLimits = RunLimits()) throws(MaasError) {
    let context = try boundContext()
    do {
      try context.run(targets: targets, names: names, limits: limits, profile: executable.profile)
    } catch {
      context.forgetResults()
      throw error
    }
    executable.finished(context)
  }

  /// The output of the last run; the next run writes over it.
  package func output(_ i: Int) throws(MaasError) -> Tensor {
    let result = try datum(i)
    if let tensor = result.tensor { return tensor }
    throw MaasError(
      .typeMismatch, "the output is no tensor", tensor: names[at: i], found: "a \(result.kind)")
  }

  /// As `output`, of whatever kind.
  package func datum(_ i: Int) throws(MaasError) -> Datum {
    guard let result = context?.results[at: i] ?? nil else {
      throw MaasError(.notReady, "the output does not exist before a successful run", tensor: names[at: i])
    }
    return result
  }

  #if !hasFeature(Embedded)
    /// Outputs over inputs that the last run had to compute elsewhere and copy.
    package var copiedOutputs: Int { context?.copiedOutputs ?? 0 }
  #endif

  private func boundContext() throws(MaasError) -> RunContext {
    if let context { return context }
    var all: [Datum] = []
    for (i, input) in inputs.enumerated() {
      guard let input else {
        let name = executable.graph[executable.graph.inputs[i]].name
        throw MaasError(.missingInput, "the input is not bound", tensor: name)
      }
      all.append(input)
    }
    let context = try executable.checkOut(all.map { DatumType($0) }, targets.map { _ in true })
    for (i, input) in all.enumerated() { context.setInput(i, input) }
    self.context = context
    return context
  }

  private func release() {
    guard let context else { return }
    context.forgetAll()
    executable.checkIn(context)
    self.context = nil
  }
}
