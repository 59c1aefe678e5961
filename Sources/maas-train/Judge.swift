import Glibc
import MaasCore
import MaasData
import MaasTrainer

/// What a trainer says of samples, as the exported model is to say it.
struct Answers {
  /// Probabilities of classes, or numbers on their own scale; [samples, n].
  let values: Tensor
  private let evaluation: Evaluation

  /// Of the samples of `data`, in their order.
  init(_ trainer: Trainer, _ data: PreparedSamples, _ answer: DeployedModel.Answer) throws(MaasError) {
    evaluation = try trainer.evaluate(data)
    var values: [Float] = []
    let block = samplesAtOnce(bytes: data.bytes)
    for first in stride(from: 0, to: data.count, by: block) {
      let features = try data.features(first..<min(data.count, first + block))
      values += try trainer.predict([features]).elements(as: Float.self)
    }
    let width = max(1, values.count / max(1, data.count))
    for row in 0..<data.count { Self.finish(&values, row * width..<(row + 1) * width, answer) }
    self.values = try Tensor(.float, [data.count, width], values)
  }

  private static func finish(_ values: inout [Float], _ row: Range<Int>, _ answer: DeployedModel.Answer) {
    switch answer {
    case .classes: softmax(&values, row)
    case .numbers(let scale):
      for (i, at) in row.enumerated() { values[at] = values[at] * scale.scales[i] + scale.offsets[i] }
    }
  }

  private static func softmax(_ values: inout [Float], _ row: Range<Int>) {
    let most = values[row].max() ?? 0
    for i in row { values[i] = exp(values[i] - most) }
    let sum = values[row].reduce(0, +)
    for i in row { values[i] /= sum }
  }

  /// Adds what the answers of a part are worth.
  func judge(_ part: Dataset.Part, _ name: String, _ report: inout TrainingReport) {
    if let classes = evaluation.classes {
      var figures = [
        (name: "accuracy", value: classes.accuracy), ("F1", classes.macroF1), ("loss", evaluation.loss),
      ]
      if let area = classes.rocAUC { figures.append(("ROC AUC", area)) }
      report.parts.append(.init(name: name, samples: part.samples.count, figures: figures))
      (report.confusion, report.classNames) = (classes.confusion, part.source.targets.classNames)
    } else if case .numbers(let numbers) = part.source.targets {
      let width = numbers.shape[1]
      let all = numbers.elements(as: Float.self)
      let truths = part.samples.flatMap { Array(all[$0 * width..<($0 + 1) * width]) }
      let judgement = NumberJudgement(truths, values.elements(as: Float.self))
      report.parts.append(.init(name: name, samples: part.samples.count, figures: judgement.figures))
      let step = max(1, judgement.pairs.count / 500)
      report.pairs = stride(from: 0, to: judgement.pairs.count, by: step).map { judgement.pairs[$0] }
    }
    report.judged = name
  }
}
