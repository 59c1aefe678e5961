import MaasCore
import MaasData
import MaasTrainer

/// A training that came to its end, or was ended.
struct Trained {
  let trainer: Trainer
  let epochs: [TrainingReport.Epoch]
  /// The same trained again, with the validation samples, for as long as was best here.
  var again: Trainer?

  /// What becomes the model.
  var final: Trainer { again ?? trainer }

  private var losses: [Double] { epochs.map { $0.validation ?? $0.loss } }

  /// The place of the epoch whose parameters the trainer has: the first one with the least loss, or without patience
  /// the last.
  var best: Int? {
    if trainer.options.patience == 0 { return epochs.indices.last }
    return losses.indices.min { (losses[$0], $0) < (losses[$1], $1) }
  }

  /// The loss that decides which of two trainings is better.
  var loss: Double { losses.min() ?? .infinity }
}

/// How long a training is, and what is told of it.
struct Fitting {
  let label: String
  let isShown: Bool
  /// The number of epochs after which it ends, if the trainer's options do not say so.
  var count = Int.max
  /// Keeps what training has come to after each epoch.
  var keeper: CheckpointFolder?
  /// Epochs of the training that is gone on with.
  var earlier: [TrainingReport.Epoch] = []

  func run(
    _ trainer: Trainer, _ data: PreparedSamples, _ validation: PreparedSamples?
  ) throws(MaasError) -> Trained {
    // Perhaps it was kept at its end.
    guard earlier.count < count else { return Trained(trainer: trainer, epochs: earlier) }
    var (epochs, failure): ([TrainingReport.Epoch], MaasError?) = (earlier, nil)
    var line = ProgressLine(label, isShown: isShown)
    data.epoch = earlier.count
    let reports = try trainer.fit(data, validation: validation) { progress in
      line.show(done(progress), figures(progress, epochs.last))
      return !Interruption.isAsked
    } onEpoch: { report in
      epochs.append(.init(report))
      data.epoch = report.epoch + 1
      do throws(MaasError) { try keeper?.keep(trainer, epochs) } catch { failure = error }
      return failure == nil && !Interruption.isAsked && epochs.count < count
    }
    line.end()
    if let failure { throw failure }
    return Trained(trainer: trainer, epochs: earlier + reports.map { TrainingReport.Epoch($0) })
  }

  private func done(_ progress: TrainingProgress) -> Double {
    (Double(progress.epoch) + Double(progress.step + 1) / Double(progress.stepsPerEpoch))
      / Double(min(progress.epochs, count))
  }

  private func figures(_ progress: TrainingProgress, _ last: TrainingReport.Epoch?) -> String {
    var text = "epoch \(progress.epoch + 1)/\(min(progress.epochs, count))  loss \(figure(progress.loss))"
    if let validation = last?.validation { text += "  validation \(figure(validation))" }
    return text
  }
}

extension TrainingReport.Epoch {
  init(_ report: EpochReport) {
    self.init(
      number: report.epoch, loss: report.loss, validation: report.validation?.loss,
      rate: report.learningRate, seconds: report.seconds)
  }
}
