import MaasCore
import MaasData
import MaasTrainer

/// The way from samples to a trained network: validation samples say after how many epochs it is best, and then may
/// be learned from themselves, by a second training from the same beginning for so many epochs.
struct Course {
  let plan: Plan
  let shop: Workshop
  let network: Network?
  let options: TrainerOptions
  let isShown: Bool
  var job: Job?
  /// Where both trainings are kept, and what they are of.
  var kept: (folder: String, identity: [(name: String, value: String)])?

  /// `label` is what progress is shown under.
  func run(_ label: String, _ training: Dataset.Part, _ validation: Dataset.Part?) throws(MaasError)
    -> Trained
  {
    let held = try validation.map { (part) throws(MaasError) in try shop.data(part) }
    var trained = try fit(Fitting(label: label, isShown: isShown), options, training, held, kept)
    guard let validation, plan.refits(validation), let best = trained.best, !Interruption.isAsked else {
      return trained
    }
    var options = options
    options.patience = 0
    let fitting = Fitting(label: label + ", with all samples", isShown: isShown, count: best + 1)
    let all = Dataset.Part(source: training.source, samples: (training.samples + validation.samples).sorted())
    let kept = kept.map {
      ("\($0.folder)/all", $0.identity + [(name: "epochs in all", value: "\(best + 1)")])
    }
    let again = try fit(fitting, options, all, nil, kept)
    if again.epochs.count == best + 1 { trained.again = again.trainer }
    return trained
  }

  private func fit(
    _ fitting: Fitting, _ options: TrainerOptions, _ training: Dataset.Part, _ validation: PreparedSamples?,
    _ kept: (folder: String, identity: [(name: String, value: String)])?
  ) throws(MaasError) -> Trained {
    let trainer = try plan.trainer(network, options, shop)
    if let collective = job?.collective { try trainer.join(collective) }
    var fitting = fitting
    if let kept {
      let keeper = try CheckpointFolder(kept.folder, kept.identity, every: plan.command.checkpointEvery)
      if plan.command.resume { fitting.earlier = try keeper.resume(trainer) } else { try keeper.begin() }
      if job?.isFirst ?? true { fitting.keeper = keeper }
    }
    return try fitting.run(trainer, try plan.learned(training, shop), validation)
  }
}
