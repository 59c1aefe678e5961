/// Numbers by the names that languages without these types know them by.
public typealias NamedNumbers = [(name: String, value: Double)]

extension Trainer {
  /// The names of what an evaluation measures.
  public var metricNames: [String] { Evaluation().numbers.map { $0.name } }
}

extension Evaluation {
  public var numbers: NamedNumbers { [("loss", loss)] }
}

extension EpochReport {
  /// Counted from 1, as people do.
  public var numbers: NamedNumbers {
    let own = [("epoch", Double(epoch + 1)), ("loss", loss), ("learning_rate", learningRate)]
    return own + (validation?.numbers ?? []).map { ("validation_\($0.name)", $0.value) }
  }
}
