import MaasCore
import MaasGraph
import MaasOps
import MaasRuntime

/// What the optimizer did to a model, and what a plan of the result does step by step.
struct Explanation {
  private let model: OptimizedModel
  private let plan: PlanExplanation
  private let threads: Int

  init(_ model: OptimizedModel, _ sizes: [Name: Int], threads: Int) throws(MaasError) {
    self.model = model
    self.threads = threads > 0 ? threads : ThreadPool.defaultThreads
    let options = ExecutionOptions(
      threads: self.threads, memoryLimit: maximumBytes, planCacheLimit: 0)
    do {
      let executable = Executable(model.planned, weights: WeightCache(model.planned), options: options)
      plan = try executable.explain(sizes)
    } catch {
      throw error.inFile(model.path)
    }
  }

  var text: String {
    var lines = ["rules (\(model.nodesBefore) nodes before, \(model.graph.nodes.count) after)"]
    for rule in model.rules {
      lines.append("  \(rule.name): \(times(rule.count)), \(rule.nanoseconds / 1000) µs")
    }
    lines.append("steps (kernels for \(Processor.instructionSet), \(plural(threads, "thread")))")
    for (i, step) in plan.steps.enumerated() {
      lines.append("  \(i + 1). \(step.operatorName) '\(step.node)': \(step.shapes)")
      lines.append("     \(step.kernel): \(reasons(step))")
    }
    if let end = plan.end { lines.append("  \(end)") }
    lines.append(memoryText)
    return joined(lines, "\n") + "\n"
  }

  private var memoryText: String {
    let bytes = "memory between steps: \(plan.arenaBytes) bytes"
    return plan.leastArenaBytes > 0 ? "\(bytes), of which \(plan.leastArenaBytes) are in use at once" : bytes
  }

  private func reasons(_ step: StepExplanation) -> String {
    var reasons = [kernelReason(step.kernel), threadReason(step)]
    for packing in step.packed {
      reasons.append("weights '\(packing.name)' packed once into \(packing.bytes.byteCount) bytes")
    }
    return joined(reasons, "; ")
  }

  /// Names of kernels end with the instruction set they are for.
  private func kernelReason(_ kernel: String) -> String {
    let best = Processor.instructionSet
    guard let isa = ["avx512", "avx2", "neon", "scalar"].first(where: { kernel.hasSuffix("_\($0)") }) else {
      return kernel == "generic" ? "plain code, the same on every CPU" : "calls the rows for this CPU"
    }
    return isa == best ? "the row for this CPU" : "the first row that fits, as none is for \(best)"
  }

  private func threadReason(_ step: StepExplanation) -> String {
    let used = min(threads, step.chunks)
    if step.chunks == 1 { return "one thread: too little work to share" }
    let pieces = "\(step.chunks) pieces of \(step.grain) of \(step.items) items"
    return used == 1 ? "one thread: no other is allowed; \(pieces)" : "\(used) threads share \(pieces)"
  }
}

private func times(_ count: Int) -> String { count == 0 ? "did not fire" : plural(count, "time") }
private func plural(_ n: Int, _ word: String) -> String { "\(n) \(word)\(n == 1 ? "" : "s")" }
