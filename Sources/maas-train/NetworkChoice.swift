import MaasCore
import MaasData
import MaasTrainer

extension NetworkArguments {
  /// The network for these features.
  func network(
    _ preprocessing: Preprocessing, outputs: Int, _ specification: Specification?, isPicture: Bool
  ) throws(MaasError) -> Network {
    let task = Network.Task(input: preprocessing.dims, outputs: outputs, vocabulary: preprocessing.tokens)
    if let specification { return try specified(specification, preprocessing, outputs) }
    if let network { return try Network(preset: network, task) }
    if let layers { return try dense(task, layers) }
    return isPicture ? try Network(preset: "cnn-small", task) : try dense(task, [64, 32])
  }

  func dense(_ task: Network.Task, _ layers: [Int]) throws(MaasError) -> Network {
    try .mlp(task, layers: layers, activation: activation, dropout: dropout, batchNormalization: batchNorm)
  }

  /// Layers of a file between the input and a last dense layer.
  private func specified(
    _ specification: Specification, _ preprocessing: Preprocessing, _ outputs: Int
  ) throws(MaasError) -> Network {
    let dims = joined(preprocessing.dims.map { "\($0)" }, " ")
    let input = "input \(dims)" + (preprocessing.dtype == .int64 ? " type=int64" : "")
    let layers = specification.layers.map { layer in
      preprocessing.tokens.map { layer.replacing("vocabulary", with: "\($0)") } ?? layer
    }
    do {
      return try Network(text: joined([input] + layers + ["dense \(outputs)"], "\n"))
    } catch {
      throw error.inFile(network ?? "--network")
    }
  }
}
