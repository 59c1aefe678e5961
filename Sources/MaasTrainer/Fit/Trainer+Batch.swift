import MaasCore

extension Trainer {
  /// The data with features of the types that the model reads.
  func suited(_ data: any TrainingData) throws(MaasError) -> any TrainingData {
    let inputs = model.graph.inputs.map { model.graph[$0] }
    let areSuited = zip(inputs, data.features).allSatisfy { $0.dtype == $1.dtype }
    guard !areSuited, let tensors = data as? TensorData else { return data }
    return try tensors.converted(to: inputs)
  }

  /// Reads a batch, and refuses targets that the loss cannot be taken of.
  func read(_ data: any TrainingData, _ samples: ArraySlice<Int>, into graph: BoundGraph) throws(MaasError) {
    var failure: MaasError?
    samples.withUnsafeBufferPointer { samples in
      if let tensors = data as? TensorData {
        return tensors.read(samples, into: graph.batch, threads: execution.threads)
      }
      do throws(MaasError) { try data.read(samples, into: graph.batch) } catch { failure = error }
    }
    if let failure { throw failure }
    let targets = graph.batch[data.features.count]
    try checkTargets(targets, samples)
    if options.loss.looksAtClasses, targets.dtype == .float { try checkRows(targets, samples) }
    if data.hasWeights, let weights = graph.batch.last?.floats,
      let odd = weights.first(where: { !NumberLimits.notNegative.contains(Double($0)) })
    {
      throw MaasError(
        .outOfRange, "a sample cannot have this weight", expected: NumberLimits.notNegative.text,
        found: "\(odd)")
    }
  }

  private func checkTargets(_ targets: Tensor, _ samples: ArraySlice<Int>) throws(MaasError) {
    let (loss, isFloat) = (options.loss, targets.dtype == .float)
    guard loss == .hinge || loss.wantsProbabilities, isFloat || !loss.looksAtClasses else { return }
    let (floats, integers) = (targets.floats, targets.bytes.assumingMemoryBound(to: Int64.self))
    for i in 0..<targets.count {
      let target = isFloat ? floats[i] : Float(integers[i])
      if loss == .hinge ? target == 0 || target.magnitude == 1 : target >= -1e-5 && target <= 1.00001 {
        continue
      }
      throw refusal(
        i / (targets.count / samples.count), samples,
        loss == .hinge ? "-1, 0 or 1" : isFloat ? "0 to 1" : "0 or 1", target)
    }
  }

  private func refusal(_ row: Int, _ samples: ArraySlice<Int>, _ expected: String, _ found: Float)
    -> MaasError
  {
    MaasError(
      .outOfRange, "the loss does not take the target of sample \(samples[samples.startIndex + row])",
      expected: expected, found: "\(found)")
  }

  /// Refuses targets that give no class of a place any probability.
  private func checkRows(_ targets: Tensor, _ samples: ArraySlice<Int>) throws(MaasError) {
    let (classes, floats) = (targets.shape[at: 1] ?? 1, targets.floats)
    let places = targets.count / (samples.count * max(1, classes))
    for place in 0..<samples.count * places {
      let (row, first) = (place / places, place % places)
      var sum: Float = 0
      for c in 0..<classes { sum += floats[(row * classes + c) * places + first] }
      if sum <= 0 { throw refusal(row, samples, "probabilities whose sum is 1", sum) }
    }
  }
}

extension Tensor {
  /// Elements that are known to be floats, where they are.
  fileprivate var floats: UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: bytes.assumingMemoryBound(to: Float.self), count: count)
  }

  /// Whether no element is NaN or infinite.
  var isFinite: Bool { dtype != .float || floats.allSatisfy { $0.isFinite } }
}
