import CMaasSystem
import MaasCore
import MaasOps

/// A step of `fit`.
public struct TrainingProgress: Sendable {
  /// From 0 on, and where training ends.
  public let epoch, epochs: Int
  /// Of the epoch, from 0 on.
  public let step, stepsPerEpoch: Int
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
  /// That its steps took, apart from validation.
  public let seconds: Double
}

/// How far training has come: with the options and the tensors, all that its future depends on.
struct TrainerPlace: Equatable {
  /// Steps taken, in all fits.
  var step = 0
  /// Epochs finished, in all fits.
  var epoch = 0
  /// Samples of the epoch behind, and their losses.
  var position = 0
  var losses = LossSum()
  /// Batches whose gradients wait for a step.
  var batches = 0
  /// Whether a fit has begun and is not over; where it began and where it ends.
  var isFitting = false
  var firstStep = 0, lastEpoch = 0
  var bestLoss = Double.infinity
  /// Epochs since the loss was best, and since the rate fell.
  var stale = 0, calm = 0
  /// How often a plateau made the rate fall.
  var falls = 0
}

/// The samples of an epoch in their order, batch by batch.
struct FitSteps {
  let data: any TrainingData
  let types: BatchTypes
  let order: [Int]
  /// Samples of a batch, of all processes.
  let batch: Int
  let (rank, ranks): (Int, Int)

  /// `batch` is that of one process.
  init(_ data: any TrainingData, _ order: [Int], batch: Int, _ collective: Collective? = nil) {
    (self.data, self.order) = (data, order)
    (rank, ranks) = (collective?.rank ?? 0, collective?.ranks ?? 1)
    self.batch = batch * ranks
    types = BatchTypes(data)
  }

  var count: Int { (order.count + batch - 1) / batch }

  /// How many samples the batch of all processes has.
  func size(from position: Int) -> Int { min(batch, order.count - position) }

  /// What this process takes of it. Where there is nothing left for it, that is a sample whose gradients do not count.
  func samples(from position: Int) -> ArraySlice<Int> {
    let (begin, end) = own(position)
    return order[begin..<max(end, begin + 1)]
  }

  /// What part of the samples that is; where they have weights, whether there are any.
  func share(from position: Int, weighs: Bool) -> Double {
    let (begin, end) = own(position)
    return weighs ? min(1, Double(end - begin)) : Double(end - begin) / Double(size(from: position))
  }

  private func own(_ position: Int) -> (begin: Int, end: Int) {
    let size = size(from: position)
    return (position + size * rank / ranks, position + size * (rank + 1) / ranks)
  }
}

/// What `fit` was called with.
private struct FitCall {
  let data: any TrainingData
  /// How many samples, the first ones, are trained with.
  let count: Int
  let validation: (any TrainingData)?
  let onStep: ((TrainingProgress) -> Bool)?
}

extension Trainer {
  /// Trains for as many epochs as the options say, or goes on with a fit that a checkpoint was made in. Callbacks that
  /// return false end it. Returns what became of each epoch.
  ///
  /// Results depend on the data, the options and the seed alone, not on threads or interruptions.
  @discardableResult
  public func fit(
    _ data: any TrainingData, validation: (any TrainingData)? = nil,
    onStep: ((TrainingProgress) -> Bool)? = nil, onEpoch: ((EpochReport) -> Bool)? = nil
  ) throws(MaasError) -> [EpochReport] {
    let held = validation == nil ? Int(Double(data.count) * options.validationSplit) : 0
    guard data.count > held else { throw noSamples }
    let validation = try validation.map { (data) throws(MaasError) in try suited(data) }
    let call = FitCall(
      data: try suited(data), count: data.count - held, validation: validation, onStep: onStep)
    return try alone { () throws(MaasError) in try run(call, onEpoch) }
  }

  var noSamples: MaasError {
    MaasError(.invalidArgument, "there are no samples to train with", found: "0 samples")
  }

  private func run(
    _ call: FitCall, _ onEpoch: ((EpochReport) -> Bool)?
  ) throws(MaasError) -> [EpochReport] {
    begin()
    defer { place.isFitting = false }
    var reports: [EpochReport] = []
    while place.epoch < place.lastEpoch {
      let start = maas_sys_now_ns()
      let rate = try runEpoch(call)
      try settle(isCutOff: rate == nil)
      guard let rate else { break }
      let report = try finishEpoch(call, rate, seconds: Double(maas_sys_now_ns() - start) / 1e9)
      reports.append(report)
      let isStale = options.patience > 0 && place.stale >= options.patience
      if isStale || onEpoch?(report) == false { break }
    }
    restoreBest()
    return reports
  }

  private func begin() {
    maas_sys_store(cancelled, 0)
    guard !place.isFitting else { return }
    (place.isFitting, place.firstStep, place.lastEpoch) = (true, place.step, place.epoch + options.epochs)
    (place.position, place.losses, place.stale, place.calm) = (0, LossSum(), 0, 0)
    (place.bestLoss, place.falls) = (.infinity, 0)
    place.batches = 0
    for sum in memory.sums { maas_sys_zero(sum.bytes, sum.byteCount) }
  }

  /// The rest of the epoch; returns its last learning rate, or nil when a callback or a flag ends it.
  private func runEpoch(_ call: FitCall) throws(MaasError) -> Double? {
    var random = PhiloxStream(seed: options.seed, stream: RandomUse.shuffle, step: Int64(place.epoch))
    let order = options.shuffles ? random.permutation(call.count) : Array(0..<call.count)
    let steps = FitSteps(call.data, order, batch: options.batchSize, collective)
    let perEpoch = steps.count
    var rate = options.learningRate
    while place.position < call.count {
      if maas_sys_load(cancelled) != 0 { return nil }
      rate = options.learningRate * options.schedule.scale(schedulePlace(perEpoch))
      let size = steps.size(from: place.position)
      let loss = try step(
        steps, at: place.position, rate: rate, isLast: place.position + size == call.count)
      if steps.share(from: place.position, weighs: true) > 0 { place.losses.add(loss) }
      place.position += size
      if let onStep = call.onStep, !onStep(progress(loss.mean, rate, steps)) { return nil }
    }
    return rate
  }

  private func schedulePlace(_ batches: Int) -> SchedulePlace {
    let steps = (batches + options.accumulate - 1) / options.accumulate
    let epochs = place.lastEpoch - (place.epoch - (place.step - place.firstStep) / max(1, steps))
    return SchedulePlace(
      step: place.step - place.firstStep, steps: product(steps, epochs) ?? .max, stepsPerEpoch: steps,
      falls: place.falls)
  }

  private func progress(_ loss: Double, _ rate: Double, _ steps: FitSteps) -> TrainingProgress {
    TrainingProgress(
      epoch: place.epoch, epochs: place.lastEpoch, step: (place.position - 1) / steps.batch,
      stepsPerEpoch: steps.count, loss: loss, learningRate: rate)
  }

  private func finishEpoch(
    _ call: FitCall, _ rate: Double, seconds: Double
  ) throws(MaasError) -> EpochReport {
    if let collective { try collective.mean(of: memory.statistics) }
    var validation: Evaluation?
    if let data = call.validation {
      validation = try evaluate(data)
    } else if call.count < call.data.count {
      validation = try evaluate(call.data, call.count..<call.data.count)
    }
    if let collective {
      place.losses.sum = try collective.sum(place.losses.sum)
      place.losses.weight = try collective.sum(place.losses.weight)
    }
    let loss = try place.losses.expectedMean()
    let isBest = judge(validation?.loss ?? loss)
    let report = EpochReport(
      epoch: place.epoch, loss: loss, learningRate: rate, validation: validation, isBest: isBest,
      seconds: seconds)
    place.epoch += 1
    (place.position, place.losses) = (0, LossSum())
    return report
  }

  /// Whether the loss is better than all before; keeps what it was reached with.
  private func judge(_ loss: Double) -> Bool {
    guard loss < place.bestLoss - options.minDelta else {
      place.stale += 1
      place.calm += 1
      if options.schedule.kind == .plateau, place.calm > options.schedule.period {
        place.falls += 1
        place.calm = 0
      }
      return false
    }
    place.bestLoss = loss
    (place.stale, place.calm) = (0, 0)
    for (kept, now) in zip(best, memory.evaluated) { kept.assign(now) }
    return true
  }

  /// With patience the best parameters count, not the last ones.
  private func restoreBest() {
    guard place.bestLoss < .infinity else { return }
    for (kept, now) in zip(best, memory.evaluated) { now.assign(kept) }
  }
}
