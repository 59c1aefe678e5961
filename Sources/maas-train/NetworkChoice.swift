import MaasCore
import MaasData
import MaasTrainer

extension NetworkArguments {
  /// The network for these features.
  func network(
    _ preprocessing: Preprocessing, outputs: Int, _ specification: Specification?, isPicture: Bool
  ) throws(MaasError) -> Network {
    do {
      return try chosen(preprocessing, outputs, specification, isPicture)
    } catch {
      guard error.code == .shapeMismatch else { throw error }
      throw MaasError(
        error.code, "the network does not fit features of \(describe(preprocessing.dims)): \(error.problem)",
        expected: error.expected, found: error.found,
        hint:
          "choose another --network, or larger features: see --image-size, --seconds, --bands and --length"
      ).inFile(network ?? "--layers")
    }
  }

  private func chosen(
    _ preprocessing: Preprocessing, _ outputs: Int, _ specification: Specification?, _ isPicture: Bool
  ) throws(MaasError) -> Network {
    let task = Network.Task(input: preprocessing.dims, outputs: outputs, vocabulary: preprocessing.tokens)
    if let specification { return try specified(specification, preprocessing, outputs) }
    if let network { return try Network(preset: network, task) }
    if layers == nil, isPicture { return try Network(preset: "cnn-small", task) }
    return try dense(task, usualLayers, usualDropout)
  }

  /// What `make trained` and larger sets show to be good where nothing is known: one layer, and dropout, without
  /// which small data are learned by heart.
  var usualLayers: [Int] { layers ?? [128] }
  var usualDropout: Double { dropout ?? (layers == nil ? 0.2 : 0) }

  func dense(_ task: Network.Task, _ layers: [Int], _ dropout: Double) throws(MaasError) -> Network {
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
