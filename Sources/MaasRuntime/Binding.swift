import MaasCore
import MaasGraph

/// Inputs and outputs that stay the same over many runs: checked and looked up once, then a run is only its steps.
/// For one thread at a time.
package final class Binding {
  private let executable: Executable
  private let names: [String]
  private var inputs: [Tensor?]
  private var targets: [OutputTarget]
  private var context: RunContext?
  private var contextShapes: [[Int]] = []

  package init(_ executable: Executable) {
    self.executable = executable
    names = executable.outputNames
    inputs = executable.graph.inputs.map { _ in nil }
    targets = executable.graph.outputs.map { _ in .allocated(keep: true) }
  }

  deinit { release() }

  /// Binds a tensor, which is read at each run.
  package func setInput(_ i: Int, _ tensor: Tensor) throws(MaasError) {
    try executable.check(tensor, input: i)
    guard tensor.isAligned else {
      throw MaasError(
        .invalidArgument, "the address of a bound input must be a multiple of its element's size",
        tensor: executable.graph[executable.graph.inputs[i]].name)
    }
    let sameShape = inputs[i]?.shape == tensor.shape
    inputs[i] = tensor
    if sameShape { context?.setInput(i, tensor.bytes) } else { release() }
  }

  package func setOutput(_ i: Int, _ target: OutputTarget) {
    guard i < targets.count else { return }
    targets[i] = target
  }

  package func clearInputs() {
    release()
    for i in inputs.indices { inputs[i] = nil }
  }

  package func clearOutputs() {
    for i in targets.indices { targets[i] = .allocated(keep: true) }
  }

  package func run(limits: RunLimits = RunLimits()) throws(MaasError) {
    let context = try boundContext()
    try context.run(targets: targets, names: names, limits: limits, profile: executable.profile)
    executable.finished(context)
  }

  /// The output of the last run; the next run writes over it.
  package func output(_ i: Int) throws(MaasError) -> Tensor {
    guard let result = context?.results[at: i] ?? nil else {
      throw MaasError(.notReady, "the output does not exist before a successful run", tensor: names[at: i])
    }
    return result
  }

  private func boundContext() throws(MaasError) -> RunContext {
    if let context { return context }
    var tensors: [Tensor] = []
    for (i, input) in inputs.enumerated() {
      guard let input else {
        let name = executable.graph[executable.graph.inputs[i]].name
        throw MaasError(.missingInput, "the input is not bound", tensor: name)
      }
      tensors.append(input)
    }
    contextShapes = tensors.map { $0.shape }
    let context = try executable.checkOut(contextShapes, targets.map { _ in true })
    for (i, tensor) in tensors.enumerated() { context.setInput(i, tensor.bytes) }
    self.context = context
    return context
  }

  private func release() {
    guard let context else { return }
    context.forgetResults()
    executable.checkIn(context, contextShapes, targets.map { _ in true })
    self.context = nil
  }
}
