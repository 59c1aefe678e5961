/// Numbers by the names that languages without these types know them by.
public typealias NamedNumbers = [(name: String, value: Double)]

/// A number of an evaluation that has a name.
private struct MetricRow: Sendable {
  let name: String
  /// NaN where it was not measured.
  let value: @Sendable (Evaluation) -> Double
}

private let lossRow = MetricRow(name: "loss") { $0.loss }
private let classRows: [MetricRow] = [
  lossRow, MetricRow(name: "accuracy") { $0.accuracy ?? .nan },
  MetricRow(name: "precision") { $0.classes?.macroPrecision ?? .nan },
  MetricRow(name: "recall") { $0.classes?.macroRecall ?? .nan },
  MetricRow(name: "f1") { $0.classes?.macroF1 ?? .nan },
  MetricRow(name: "roc_auc") { $0.classes?.rocAUC ?? .nan },
]
private let numberRows: [MetricRow] = [
  lossRow, MetricRow(name: "mse") { $0.numbers?.mse ?? .nan },
  MetricRow(name: "mae") { $0.numbers?.mae ?? .nan },
  MetricRow(name: "r2") { $0.numbers?.r2 ?? .nan },
]

extension LossFunction {
  fileprivate var metrics: [MetricRow] {
    switch self {
    case .crossEntropy, .divergence, .binaryCrossEntropy, .hinge: classRows
    case .mse, .mae, .huber: numberRows
    }
  }
}

extension Trainer {
  /// The names of what an evaluation measures: the loss, and what goes with it.
  public var metricNames: [String] { options.loss.metrics.map { $0.name } }

  /// An evaluation's numbers, in the order of their names.
  public func numbers(_ evaluation: Evaluation) -> NamedNumbers {
    options.loss.metrics.map { ($0.name, $0.value(evaluation)) }
  }

  /// An epoch's numbers. It is counted from 1, as people do.
  public func numbers(_ report: EpochReport) -> NamedNumbers {
    let own = [
      ("epoch", Double(report.epoch + 1)), ("loss", report.loss), ("learning_rate", report.learningRate),
    ]
    let validation = report.validation.map { numbers($0) } ?? []
    return own + validation.map { ("validation_\($0.name)", $0.value) }
  }
}
