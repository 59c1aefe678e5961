import MaasCore
import MaasData
import MaasTrainer

extension Plan {
  /// Trains a model without each fold of the samples to learn from and judges it by that fold. Preprocessing is fitted
  /// anew each time. Gives the means and their deviations.
  func crossValidation(_ count: Int) throws(MaasError) -> [TrainingReport.Part] {
    let source = training.source
    guard count <= training.samples.count else {
      throw MaasError(
        .invalidArgument, "there are fewer samples than folds", expected: "at most \(training.samples.count)",
        found: "--folds \(count)"
      ).inFile(command.path)
    }
    let folds = MaasData.folds(training.samples, source.targets, count: count, seed: options.seed)
    var figures: [[(name: String, value: Double)]] = []
    for (i, fold) in folds.enumerated() where !Interruption.isAsked {
      figures.append(try foldFigures(fold, "fold \(i + 1)/\(count)"))
    }
    guard let first = figures.first else { return [] }
    let means = first.indices.flatMap { i -> [(name: String, value: Double)] in
      let (mean, deviation) = moments(figures.map { $0[i].value })
      return [(first[i].name, mean), ("± \(first[i].name)", deviation)]
    }
    return [.init(name: "\(figures.count) folds", samples: training.samples.count, figures: means)]
  }

  private func foldFigures(_ fold: [Int], _ label: String) throws(MaasError) -> [(
    name: String, value: Double
  )] {
    let source = training.source
    let held = Set(fold)
    let rest = Dataset.Part(source: source, samples: training.samples.filter { !held.contains($0) })
    let part = Dataset.Part(source: source, samples: fold)
    var quiet = self
    quiet.command.quiet = true
    let shop = try quiet.workshop(rest, [source])
    // Who stops early by the fold that judges would be judged too well: a part of the rest decides.
    let inner = Split(source.targets, of: rest.samples, validation: 0.15, seed: options.seed)
    let network = initial == nil ? try network(shop) : nil
    let course = Course(plan: self, shop: shop, network: network, options: options, isShown: !command.quiet)
    let trained = try course.run(
      label, .init(source: source, samples: inner.training), .init(source: source, samples: inner.validation))
    var report = TrainingReport()
    try Answers(trained.final, shop.data(part), shop.answer).judge(part, label, &report)
    return report.parts[0].figures
  }

  private func moments(_ values: [Double]) -> (mean: Double, deviation: Double) {
    let mean = values.reduce(0, +) / Double(max(1, values.count))
    let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (mean, (squares / Double(max(1, values.count - 1))).squareRoot())
  }
}
