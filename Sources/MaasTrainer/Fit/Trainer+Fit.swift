import MaasCore
import MaasOps

/// A step of `fit`.
public struct TrainingProgress: Sendable {
  /// From 0 on.
  public let epoch: Int
  public let epochs: Int
  /// Of the epoch, from 0 on.
  public let step: Int
  public let stepsPerEpoch: Int
  public let loss: Double
  public let learningRate: Double
}

/// An epoch of `fit`.
public struct EpochReport: Sendable {
  public let epoch: Int
  /// The mean over the epoch, while parameters changed.
  public let loss: Double
  public let learningRate: Double
  public let validation: Evaluation?
  /// Whether no epoch before had a better loss, at validation where there is one.
  public let isBest: Bool
}

extension Trainer {
  /// Trains for as many epochs as the options say, or until a callback returns false. Returns what became of each epoch.
  @discardableResult
  public func fit(
    _ data: any TrainingData, validation: (any TrainingData)? = nil,
    onStep: ((TrainingProgress) -> Bool)? = nil, onEpoch: ((EpochReport) -> Bool)? = nil
  ) throws(MaasError) -> [EpochReport] {
    let held = validation == nil ? Int(Double(data.count) * options.validationSplit) : 0
    let count = data.count - held
    guard count > 0 else {
      throw MaasError(.invalidArgument, "there are no samples to train with", found: "\(data.count) samples")
    }
    var reports: [EpochReport] = []
    let end = place.epoch + options.epochs
    let steps = (count + options.batchSize - 1) / options.batchSize
    let first = place.step
    while place.epoch < end {
      var random = PhiloxStream(seed: options.seed, stream: RandomUse.shuffle, step: Int64(place.epoch))
      let order = options.shuffles ? random.permutation(count) : Array(0..<count)
      var (sum, begin, rate, isStopped) = (0.0, 0, 0.0, false)
      let types = BatchTypes(data)
      while begin < count, !isStopped {
        let size = min(options.batchSize, count - begin)
        rate =
          options.learningRate
          * options.schedule.scale(
            SchedulePlace(
              step: place.step - first, steps: steps * options.epochs, stepsPerEpoch: steps, falls: 0))
        let graph = try bound(.whole, types, size: size)
        let loss = try step(graph, data, order[begin..<begin + size], rate: rate)
        sum += loss * Double(size)
        begin += size
        if let onStep {
          isStopped = !onStep(
            TrainingProgress(
              epoch: place.epoch, epochs: end, step: (begin - 1) / options.batchSize, stepsPerEpoch: steps,
              loss: loss,
              learningRate: rate))
        }
      }
      if isStopped { break }
      var evaluation: Evaluation?
      if let validation { evaluation = try evaluate(validation) }
      if held > 0 { evaluation = try evaluate(data, count..<data.count) }
      let report = EpochReport(
        epoch: place.epoch, loss: sum / Double(count), learningRate: rate, validation: evaluation,
        isBest: false)
      reports.append(report)
      place.epoch += 1
      if let onEpoch, !onEpoch(report) { break }
    }
    return reports
  }
}
