import MaasCore
import MaasGraph

/// A model and versions of it, run side by side.
struct ModelComparison {
  private let before: Observation
  private let outputs: [ValueID]
  private let data: any CalibrationData
  private let options: QuantizationOptions

  init(_ graph: Graph, _ data: any CalibrationData, _ options: QuantizationOptions) throws(MaasError) {
    outputs = graph.outputs.filter { graph[$0].dtype == .float && graph[$0].container == nil }
    guard !outputs.isEmpty else {
      throw MaasError(
        .unsupported, "no output of the model is float, so that no error of it can be measured",
        hint: "leave --calibrate and budgets out")
    }
    before = try Observation(graph, outputs, threads: options.threads)
    (self.data, self.options) = (data, options)
  }

  func error(_ graph: Graph) throws(MaasError) -> OutputError {
    let after = try Observation(graph, outputs, threads: options.threads)
    var error = OutputError(outputs: outputs.count)
    let labels = options.labels
    try before.run(data) { (sight) throws(MaasError) in
      try error.add(sight.values, try after.results(sight.inputs), labels)
    }
    try error.check(labels)
    return error
  }

  func isWithinBudget(_ error: OutputError) -> Bool {
    if let accuracy = error.accuracy {
      return accuracy.before - accuracy.after <= (options.errorBudget ?? 1) + 1e-12
    }
    if let budget = options.errorBudget, error.worst.relative > budget { return false }
    if let sqnr = options.sqnr, error.worst.sqnr < sqnr { return false }
    return true
  }
}
