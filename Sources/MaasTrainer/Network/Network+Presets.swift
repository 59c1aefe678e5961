import MaasCore

extension Network {
  /// What a preset is made for.
  public struct Task: Sendable {
    /// The shape of one sample.
    public var input: [Int]
    /// Classes or numbers that the network gives.
    public var outputs: Int
    /// How many indices there are, for sequences of them; nil for features.
    public var vocabulary: Int?

    public init(input: [Int], outputs: Int, vocabulary: Int? = nil) {
      (self.input, self.outputs, self.vocabulary) = (input, outputs, vocabulary)
    }

    fileprivate var line: String {
      "input " + joined(input.map { "\($0)" }, " ") + (vocabulary == nil ? "" : " type=int64")
    }

    /// Dense layers of the given sizes between the input and the outputs.
    fileprivate func mlp(
      _ layers: [Int], activation: String, dropout: Double = 0, batchNormalization: Bool = false
    ) -> [String] {
      var lines = [line]
      if input.count != 1 { lines.append("flatten") }
      for units in layers {
        lines.append("dense \(units)" + (batchNormalization ? "" : " activation=\(activation)"))
        if batchNormalization { lines += ["batch-norm", "activation \(activation)"] }
        if dropout > 0 { lines.append("dropout \(dropout)") }
      }
      return lines + ["dense \(outputs)"]
    }

    /// The first lines of a network for sequences, whose vectors have this width.
    fileprivate func sequence(_ width: Int) -> [String] {
      guard let vocabulary else { return [line] }
      return [line, "embedding \(vocabulary) \(width)"]
    }
  }

  /// Dense layers of the given sizes between the input and the outputs.
  public static func mlp(
    _ task: Task, layers: [Int] = [128, 64], activation: String = "relu", dropout: Double = 0,
    batchNormalization: Bool = false
  ) throws(MaasError) -> Network {
    try Network(
      text: joined(
        task.mlp(layers, activation: activation, dropout: dropout, batchNormalization: batchNormalization),
        "\n"))
  }

  /// Names of presets, for `init(preset:_:)`.
  public static let presets = presetTable.map { $0.name }

  /// A network of a usual kind.
  public init(preset name: String, _ task: Task) throws(MaasError) {
    guard let row = presetTable.first(where: { $0.name == name }) else {
      throw MaasError(
        .notFound, "there is no preset '\(name)'", expected: joined(Self.presets, ", "),
        hint: didYouMean(name, Self.presets))
    }
    try self.init(text: joined(row.lines(task), "\n"))
  }
}

private struct Preset: Sendable {
  let name: String
  let lines: @Sendable (Network.Task) -> [String]
}

private let presetTable: [Preset] = [
  Preset(name: "mlp") { $0.mlp([128, 64], activation: "relu") },
  Preset(name: "cnn-small") { task in
    [
      task.line, "conv 16 kernel=3 padding=same activation=relu", "max-pool 2",
      "conv 32 kernel=3 padding=same activation=relu", "max-pool 2", "flatten", "dense 64 activation=relu",
      "dense \(task.outputs)",
    ]
  },
  Preset(name: "resnet-small") { task in
    var lines = [task.line, "conv 16 kernel=3 padding=same bias=false", "batch-norm", "activation relu"]
    for (filters, stride) in [(16, 1), (32, 2), (64, 2)] {
      lines += [
        "residual", "conv \(filters) kernel=3 stride=\(stride) padding=same bias=false", "batch-norm",
        "activation relu", "conv \(filters) kernel=3 padding=same bias=false", "batch-norm",
        "end activation=relu",
      ]
    }
    return lines + ["global-average-pool", "dense \(task.outputs)"]
  },
  Preset(name: "text-mlp") { task in
    task.sequence(64) + ["global-average-pool", "dense 64 activation=relu", "dense \(task.outputs)"]
  },
  Preset(name: "lstm") { task in task.sequence(64) + ["lstm 64", "dense \(task.outputs)"] },
  Preset(name: "transformer-tiny") { task in
    task.sequence(64) + (task.vocabulary == nil ? ["dense 64"] : []) + [
      "positional", "transformer heads=4 ff=128", "transformer heads=4 ff=128", "layer-norm",
      "global-average-pool", "dense \(task.outputs)",
    ]
  },
]
