import Maas
import MaasCommand
import MaasCore
import MaasNumPy

extension RunCommand {
  func run() throws(MaasError) {
    var options = ModelOptions()
    options.rebuild = rebuild
    let model = try Model(path: self.model, options: options)
    if listsInputs { return try Terminal.print(listing(model)) }
    let destination = Destination(output)
    try destination.check(model)
    let tensors = try inputs(for: model)
    let session = try self.session(model)
    let result = try run(session, tensors)
    if let profile, let trace = result.trace { try writeText(trace, to: profile) }
    try destination.write(result.outputs)
    if !destination.isStandardOutput { try Terminal.print(report(result, model)) }
  }

  private struct Result {
    var outputs: [NamedTensor] = []
    var latency: Latency?
    var trace: String?
  }

  private func inputs(for model: Model) throws(MaasError) -> [Tensor] {
    do {
      var gatherer = try InputGatherer(model, dimensions)
      return try gatherer.gather(inputs, seed: random)
    } catch {
      throw error.inFile(self.model)
    }
  }

  private func session(_ model: Model) throws(MaasError) -> Session {
    var options = SessionOptions()
    options.threads = threads
    return try Session(model, options: options)
  }

  /// Runs once for the outputs, then as often as is to be measured. What is measured is what is profiled.
  private func run(_ session: Session, _ tensors: [Tensor]) throws(MaasError) -> Result {
    var result = Result()
    if goal == nil, profile != nil { _ = session.startProfile() }
    let outputs = try session.run(tensors)
    result.outputs = zip(session.model.outputs, outputs).map { NamedTensor($0.name, $1) }
    if let goal {
      if profile != nil { _ = session.startProfile() }
      result.latency = try Latency(goal) { () throws(MaasError) in _ = try session.run(tensors) }
    }
    result.trace = session.stopProfile()
    return result
  }

  private var goal: Latency.Goal? {
    if let repetitions { return .runs(repetitions) }
    return bench ? .atLeast(runs: 10, nanoseconds: 1_000_000_000) : nil
  }

  private func report(_ result: Result, _ model: Model) -> String {
    var parts: [String] = []
    if !quiet, !bench { parts.append(outputText(result.outputs, top: top, model.metadata)) }
    if let latency = result.latency { parts.append(latency.text) }
    return joined(parts, "\n")
  }
}
