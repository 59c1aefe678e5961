import ArgumentParser
import MaasCore
import MaasTrainer

/// Below this an epoch has few steps, and every sample counts.
let fewSamples = 5000

/// How it learns. Names are the trainer's, with hyphens.
struct TrainingArguments: ParsableArguments {
  @Option(help: "What is made small: cross-entropy for classes, mse for numbers, mae, huber, hinge, …")
  var loss: String?

  @Option(
    help:
      "How parameters follow their gradients: \(UpdateMethod.Rule.allCases.map(\.rawValue).joined(separator: ", "))."
  )
  var updateRule: String?

  @Option(
    help: ArgumentHelp(
      "How far each step goes (0.001; 0.002 below 5000 samples, where the data alone choose the network).",
      valueName: "rate"))
  var learningRate: String?

  @Option(help: "How the rate goes on: \(Schedule.Kind.allCases.map(\.rawValue).joined(separator: ", ")).")
  var schedule: String?

  @Option(help: ArgumentHelp("Steps in which the rate first rises.", valueName: "steps"))
  var warmUp: String?

  @Option(
    help: ArgumentHelp(
      "How often all samples are seen, at most (200; 1500 below 5000 samples).", valueName: "N"))
  var epochs: String?

  @Option(help: ArgumentHelp("Samples of a step (32; 128 from 20000 samples on).", valueName: "N"))
  var batchSize: String?

  @Option(
    help: ArgumentHelp(
      "Epochs without a better loss on the validation samples before it stops (20; 50 below 5000 samples).",
      valueName: "N"))
  var patience: String?

  @Flag(
    inversion: .prefixedNo,
    help: """
      Train again with the validation samples, too, for as many epochs as they found best (below 5000 samples, where \
      test samples judge).
      """
  )
  var refit: Bool?

  @Option(help: ArgumentHelp("How strongly parameters are drawn to 0.", valueName: "rate"))
  var weightDecay: String?

  @Option(help: ArgumentHelp("The largest norm of all gradients together.", valueName: "norm"))
  var clipNorm: String?

  @Option(help: ArgumentHelp("The part of a class's probability that goes to all.", valueName: "part"))
  var labelSmoothing: String?

  @Option(
    help: ArgumentHelp(
      "Let evaluation use a moving average of the parameters, this slow (0; 0.98 where few samples say when to stop).",
      valueName: "part")
  )
  var ema: String?

  @Option(help: ArgumentHelp("Decides all random numbers.", valueName: "N"))
  var seed: UInt32 = 0

  @Option(
    help: ArgumentHelp("Most threads; 0 for all CPUs. The result does not depend on it.", valueName: "N"))
  var threads = 0

  @Option(
    name: .customLong("option"),
    help: ArgumentHelp(
      "Any option of the trainer by its name; may be repeated. There are "
        + TrainerOptions.names.joined(separator: ", ") + ".", valueName: "name=value"))
  var more: [String] = []

  /// The options; those of a file go before the command line's.
  func options(
    samples: Int, task loss: LossFunction, _ specified: [(name: String, value: String)],
    _ network: NetworkArguments
  ) throws(MaasError) -> TrainerOptions {
    var options = TrainerOptions()
    let isFew = samples < fewSamples
    // Epochs of few samples have few steps.
    (options.loss, options.epochs, options.patience) = isFew ? (loss, 1500, 50) : (loss, 200, 20)
    options.batchSize = samples < 20_000 ? 32 : 128
    if isFew, network.isUsual { options.learningRate = 0.002 }
    (options.seed, options.threads) = (Int64(seed), threads)
    options.frozen = network.freeze
    if let rank = network.lora { try options.set("lora_rank", "\(rank)") }
    let given = specified + named
    for (name, value) in given { try options.set(name, value) }
    if isFew, !given.contains(where: { $0.name == "ema" }) { options.average(samples) }
    return options
  }

  private var named: [(name: String, value: String)] {
    let rows: [(String, String?)] = [
      ("loss", loss), ("update_rule", updateRule), ("learning_rate", learningRate), ("schedule", schedule),
      ("warm_up", warmUp), ("epochs", epochs), ("batch_size", batchSize), ("patience", patience),
      ("weight_decay", weightDecay), ("clip_norm", clipNorm), ("label_smoothing", labelSmoothing),
      ("ema", ema),
    ]
    return rows.compactMap { name, value in value.map { (name, $0) } } + pairs
  }

  private var pairs: [(String, String)] {
    more.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      return (parts[0], parts.count > 1 ? parts[1] : "")
    }
  }

  func validate() throws {
    if let wrong = more.first(where: { !$0.contains("=") || $0.hasPrefix("=") }) {
      throw ValidationError("--option takes name=value, not '\(wrong)'")
    }
    var options = TrainerOptions()
    options.threads = threads
    do throws(MaasError) {
      for (name, value) in named { try options.set(name, value) }
      try options.check()
    } catch {
      throw ValidationError(error.message)
    }
  }
}

extension TrainerOptions {
  /// Few validation samples tell one epoch from another by chance as much as by worth: averages of the last steps
  /// hardly differ by chance. They are of no use to trainings that are as short as they look back.
  fileprivate mutating func average(_ samples: Int) {
    let steps = product(epochs, (samples + batchSize - 1) / batchSize) ?? .max
    if patience > 0, steps >= 500 { ema = 0.98 }
  }
}
