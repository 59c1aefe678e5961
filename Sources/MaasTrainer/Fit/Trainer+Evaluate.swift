import MaasCore
import MaasGraph

/// How good a model is on some data.
public struct Evaluation: Sendable {
  public var loss = 0.0
  public var samples = 0
}

extension Trainer {
  /// Compares predictions with targets; no parameter changes.
  public func evaluate(_ data: any TrainingData) throws(MaasError) -> Evaluation {
    try evaluate(data, 0..<data.count)
  }

  func evaluate(_ data: any TrainingData, _ range: Range<Int>) throws(MaasError) -> Evaluation {
    guard !range.isEmpty else {
      throw MaasError(.invalidArgument, "there are no samples to evaluate", found: "0 samples")
    }
    let types = BatchTypes(data)
    let order = Array(range)
    var (evaluation, begin) = (Evaluation(), 0)
    while begin < order.count {
      let size = min(options.batchSize, order.count - begin)
      let graph = try bound(.loss, types, size: size)
      try data.read(order[begin..<begin + size], into: graph)
      try graph.run()
      evaluation.loss += Double(try graph.output(0).bytes.load(as: Float.self)) * Double(size)
      begin += size
    }
    evaluation.samples = order.count
    evaluation.loss /= Double(order.count)
    return evaluation
  }
}
