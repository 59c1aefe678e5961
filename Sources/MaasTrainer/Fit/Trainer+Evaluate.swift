public import MaasCore
import MaasGraph
import MaasOptimizer
import MaasRuntime

extension Trainer {
  /// Compares predictions with targets; no parameter changes.
  public func evaluate(_ data: any TrainingData) throws(MaasError) -> Evaluation {
    try evaluate(suited(data), 0..<data.count)
  }

  func evaluate(_ data: any TrainingData, _ range: Range<Int>) throws(MaasError) -> Evaluation {
    guard !range.isEmpty else {
      throw MaasError(.invalidArgument, "there are no samples to evaluate", found: "0 samples")
    }
    let steps = FitSteps(data, Array(range), batch: options.batchSize)
    var (evaluation, losses, position) = (Evaluation(), LossSum(), 0)
    while position < range.count {
      let samples = steps.samples(from: position)
      let graph = try bound(.loss, steps.types, size: samples.count)
      try read(data, samples, into: graph)
      try graph.run()
      let loss = try graph.loss()
      if !loss.sum.isFinite, let error = oddData(graph, "the loss is not finite") { throw error }
      losses.add(loss)
      evaluation.add(
        try graph.output(2), graph.batch[data.features.count], count: samples.count, options.loss)
      position += samples.count
    }
    evaluation.samples = range.count
    evaluation.loss = try losses.expectedMean()
    return evaluation
  }

  /// The model's output that is trained (see `outputName`) for samples, whose features are in the model's order.
  public func predict(_ features: [Tensor]) throws(MaasError) -> Tensor {
    let executable = try forwardExecutable()
    let inputs = model.graph.inputs
    var features = features
    for i in features.indices.prefix(inputs.count) {
      features[i] = try features[i].converted(to: model.graph[inputs[i]])
    }
    let count = features.first?.shape.first ?? 0
    guard count > 0, features.allSatisfy({ $0.shape.first == count }) else {
      throw MaasError(
        .shapeMismatch, "there are not as many samples of each feature",
        found: joined(features.map { describe($0.shape) }, ", "))
    }
    var (result, row, position): (Tensor?, Int, Int) = (nil, 0, 0)
    while position < count {
      let size = min(max(options.batchSize, 256), count - position)
      var inputs: [Tensor] = []
      for feature in features { inputs.append(try feature.rows(position, size)) }
      guard let part = try executable.run(inputs + memory.evaluated, [.allocated(keep: false)])[0] else {
        continue
      }
      if result == nil {
        row = part.byteCount / size
        result = try Tensor(part.dtype, [count] + part.shape.dropFirst())
      }
      result?.assign(part, at: position * row)
      position += size
    }
    guard let result else { throw MaasError(.internal, "there is no prediction") }
    return result
  }

  private func forwardExecutable() throws(MaasError) -> Executable {
    if let forward { return forward }
    var graph = OpenGraph(model).graph
    graph.outputs = [model.output]
    try optimize(&graph, .all)
    let made = Executable(graph, weights: WeightCache(graph), options: execution)
    forward = made
    return made
  }
}

extension Tensor {
  /// Some rows, without a copy.
  fileprivate func rows(_ first: Int, _ size: Int) throws(MaasError) -> Tensor {
    let row = try rowBytes()
    guard let part = storage.slice(first * row, size * row) else {
      throw MaasError(.internal, "a tensor is larger than its memory")
    }
    return try Tensor(dtype, [size] + shape.dropFirst(), storage: part)
  }
}

extension Evaluation {
  /// Adds a batch: probabilities or numbers that were predicted, and targets.
  fileprivate mutating func add(
    _ predictions: Tensor, _ targets: Tensor, count: Int, _ loss: LossFunction
  ) {
    let width = predictions.count / max(1, count)
    let rows = predictions.elements(as: Float.self)
    func row(_ i: Int) -> [Float] { Array(rows[i * width..<(i + 1) * width]) }
    let wanted = targets.dtype == .int64 ? [] : targets.elements(as: Float.self)
    let indices = targets.dtype == .int64 ? targets.elements(as: Int64.self) : []
    switch loss {
    case .crossEntropy, .divergence:
      // Places in images and sequences are not counted as samples.
      guard predictions.shape.count == 2 else { return }
      var metrics = classes ?? ClassMetrics(classes: width)
      for i in 0..<count {
        metrics.add(
          row(i), target: indices.isEmpty ? largest(wanted[i * width..<(i + 1) * width]) : Int(indices[i]))
      }
      classes = metrics
    case .binaryCrossEntropy where width == 1, .hinge where width == 1:
      var metrics = classes ?? ClassMetrics(classes: 2)
      for i in 0..<count {
        // A score of hinge is on its side of 0, a probability of one half.
        let p = loss == .hinge ? rows[i] / 2 + 0.5 : rows[i]
        let target = indices.isEmpty ? wanted[i] > (loss == .hinge ? 0 : 0.5) : indices[i] > 0
        metrics.add([1 - p, p], target: target ? 1 : 0)
      }
      classes = metrics
    default:
      var metrics = numbers ?? NumberMetrics(outputs: width)
      let targets = indices.isEmpty ? wanted : indices.map { Float($0) }
      for i in 0..<count { metrics.add(row(i), targets: Array(targets[i * width..<(i + 1) * width])) }
      numbers = metrics
    }
  }

  private func largest(_ values: ArraySlice<Float>) -> Int {
    var best = values.startIndex
    for i in values.indices where values[i] > values[best] { best = i }
    return best - values.startIndex
  }
}
