import MaasCore
import MaasData
import MaasOps
import MaasTrainer

/// Networks and learning rates that are tried before one is trained.
struct Search {
  struct Candidate {
    let layers: DenseLayers
    let rate: Double

    var text: String {
      let widths = joined(layers.widths.map { "\($0)" }, "-")
      return "\(widths), dropout \(figure(layers.dropout)), learning rate \(figure(rate, digits: 6))"
    }
  }

  private static let widths = [16, 32, 64, 128, 256]
  private static let dropouts = [0, 0, 0.1, 0.3]
  private static let epochs = 20

  /// Drawn by the seed; the first is what would be taken without a search.
  static func candidates(_ count: Int, _ plan: Plan) -> [Candidate] {
    let usual = plan.command.network.denseLayers(plan.training.samples.count)
    var random = PhiloxStream(seed: plan.options.seed, stream: 0x6300_0000)
    var candidates = [Candidate(layers: usual, rate: plan.options.learningRate)]
    while candidates.count < count {
      let widths = (0...random.below(3)).map { _ in Self.widths[random.below(Self.widths.count)] }
      let layers = DenseLayers(
        widths: widths, dropout: dropouts[random.below(dropouts.count)], activation: usual.activation)
      // From 0.0003 to 0.03, equally likely in each factor of ten.
      let rate = 0.0003 * power(100, random.uniform())
      candidates.append(Candidate(layers: layers, rate: rate))
    }
    return candidates
  }

  /// The candidate with the least loss on the validation samples after a few epochs, with all losses.
  static func run(
    _ count: Int, _ plan: Plan, _ shop: Workshop
  ) throws(MaasError) -> (best: Candidate, rows: [(name: String, value: String)]) {
    let candidates = candidates(count, plan)
    var best = (candidate: candidates[0], loss: Double.infinity)
    var rows: [(name: String, value: String)] = []
    for (i, candidate) in candidates.enumerated() where !Interruption.isAsked {
      let loss = try loss(candidate, "trial \(i + 1)/\(count)", plan, shop)
      rows.append(("trial \(i + 1)", "\(candidate.text): loss \(figure(loss))"))
      if loss < best.loss { best = (candidate, loss) }
    }
    return (best.candidate, rows)
  }

  private static func loss(
    _ candidate: Candidate, _ label: String, _ plan: Plan, _ shop: Workshop
  ) throws(MaasError) -> Double {
    var options = plan.options
    (options.learningRate, options.epochs) = (candidate.rate, min(options.epochs, epochs))
    let trainer = try Trainer(try candidate.network(plan, shop), options: options)
    let fitting = Fitting(label: label, isShown: !plan.command.quiet)
    let validation = try plan.dataset.validation.map { (part) throws(MaasError) in try shop.data(part) }
    return try fitting.run(trainer, try plan.learned(shop.training, shop), validation).loss
  }
}

extension Search.Candidate {
  func network(_ plan: Plan, _ shop: Workshop) throws(MaasError) -> Network {
    let task = Network.Task(
      input: shop.preprocessing.dims, outputs: shop.outputs, vocabulary: shop.preprocessing.tokens)
    return try plan.command.network.dense(task, layers)
  }
}
