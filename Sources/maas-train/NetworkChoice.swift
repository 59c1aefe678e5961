import MaasCore
import MaasData
import MaasTrainer

extension NetworkArguments {
  /// The network for these features.
  func network(
    _ preprocessing: Preprocessing, outputs: Int, _ specification: Specification?, isPicture: Bool,
    samples: Int
  ) throws(MaasError) -> Network {
    do {
      return try chosen(preprocessing, outputs, specification, isPicture, samples)
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
    _ preprocessing: Preprocessing, _ outputs: Int, _ specification: Specification?, _ isPicture: Bool,
    _ samples: Int
  ) throws(MaasError) -> Network {
    let task = Network.Task(input: preprocessing.dims, outputs: outputs, vocabulary: preprocessing.tokens)
    if let specification { return try specified(specification, preprocessing, outputs) }
    if let network { return try Network(preset: network, task) }
    if layers == nil, isPicture { return try Network(preset: "cnn-small", task) }
    return try dense(task, denseLayers(samples))
  }

  /// What was asked for, or what many sets show to be good where nothing is known: one layer, and dropout, without
  /// which small data are learned by heart. A wide and smooth layer, of which much is left out, is the mean of many
  /// small networks.
  func denseLayers(_ samples: Int) -> DenseLayers {
    let usual: DenseLayers
    if let layers {
      usual = DenseLayers(widths: layers, dropout: 0, activation: "relu")
    } else if samples < fewSamples {
      usual = DenseLayers(widths: [256], dropout: 0.3, activation: "swish")
    } else {
      usual = DenseLayers(widths: [128], dropout: 0.2, activation: "relu")
    }
    return DenseLayers(
      widths: usual.widths, dropout: dropout ?? usual.dropout, activation: activation ?? usual.activation)
  }

  func dense(_ task: Network.Task, _ layers: DenseLayers) throws(MaasError) -> Network {
    do {
      return try .mlp(
        task, layers: layers.widths, activation: layers.activation, dropout: layers.dropout,
        batchNormalization: batchNorm)
    } catch {
      throw error.inFile("--layers, --activation, --dropout")
    }
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

/// Dense layers one behind the other.
struct DenseLayers {
  let widths: [Int]
  let dropout: Double
  let activation: String
}
