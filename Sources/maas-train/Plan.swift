import Maas
import MaasCommand
import MaasCore
import MaasData
import MaasTrainer

/// How one command trains: what was said, and what follows from the data.
struct Plan {
  var command: TrainCommand
  let dataset: Dataset
  let specification: Specification?
  /// The model to go on with.
  let initial: InitialModel?
  let preprocessing: PreprocessingOptions
  let options: TrainerOptions
  /// The samples to learn from, rare ones repeated where that is asked for.
  let training: Dataset.Part

  init(_ command: TrainCommand) throws(MaasError) {
    self.command = command
    specification = try command.network.specification()
    initial = try command.network.initial.map { (path) throws(MaasError) in try InitialModel(path) }
    dataset = try Dataset(
      command.path, command.data, seed: Int64(command.training.seed),
      rate: command.preprocessing.rate ?? initial?.rate)
    var preprocessing = command.preprocessing.options(
      readsSequences: command.network.readsSequences(specification))
    preprocessing.fit(initial)
    self.preprocessing = preprocessing
    training = dataset.training
    let task = training.source.targets.task
    options = try command.training.options(
      samples: training.samples.count, task: task == .classification ? .crossEntropy : .mse,
      specification?.options ?? [], command.network)
    try Plan.check(options.loss, task, command.path)
    if command.training.refit == true, !(dataset.validation.map(refits) ?? false) {
      throw MaasError(
        .invalidArgument, "the model cannot be trained again with the validation samples",
        hint:
          "--refit needs --patience, no plateau, test samples, and validation samples of the same data"
      ).inFile(command.path)
    }
  }

  /// Refuses losses that compare what the data do not have.
  private static func check(_ loss: LossFunction, _ task: Task, _ path: String) throws(MaasError) {
    let fitting: [LossFunction] = task == .classification ? [.crossEntropy] : [.mse, .mae, .huber]
    if fitting.contains(loss) { return }
    throw MaasError(
      .invalidArgument, "the loss does not fit \(task.rawValue)",
      expected: joined(fitting.map { $0.rawValue }, " or "), found: loss.rawValue,
      hint: "see --loss and --task"
    ).inFile(path)
  }

  func workshop(_ part: Dataset.Part, _ sources: [any SampleSource]) throws(MaasError) -> Workshop {
    try Workshop(
      part, sources, preprocessing, initial, memory: command.data.memory << 20, threads: options.threads,
      isQuiet: command.quiet)
  }

  /// Samples as they are learned: balanced and, pictures, changed a little.
  func learned(_ part: Dataset.Part, _ shop: Workshop) throws(MaasError) -> PreparedSamples {
    var part = part
    if command.data.balance {
      part = .init(
        source: part.source, samples: balanced(part.samples, part.source.targets, seed: options.seed))
    }
    let data = try shop.data(part, seed: options.seed)
    guard !command.data.augment.isNone else { return data }
    guard shop.isPicture else {
      throw MaasError(
        .invalidArgument, "--augment changes pictures only",
        expected: "features of channels, height and width",
        found: describe(shop.preprocessing.dims)
      ).inFile(command.path)
    }
    data.augmentation = command.data.augment
    return data
  }

  func network(_ shop: Workshop) throws(MaasError) -> Network {
    try command.network.network(
      shop.preprocessing, outputs: shop.outputs, specification, isPicture: shop.isPicture,
      samples: training.samples.count)
  }

  /// What is trained: the network, or the model to go on with.
  func trainer(_ network: Network?, _ options: TrainerOptions, _ shop: Workshop) throws(MaasError) -> Trainer
  {
    if let network { return try Trainer(network, options: options) }
    guard let initial else { throw MaasError(.internal, "there is nothing to train") }
    if let dims = initial.dims, dims != shop.preprocessing.dims {
      throw MaasError(
        .shapeMismatch, "the model does not read what the data become", expected: describe(dims),
        found: describe(shop.preprocessing.dims), hint: "see --image-size, --scale and --text-encoding"
      ).inFile(initial.path)
    }
    let graph = try initial.network(outputs: shop.outputs, options.loss) { (width) throws(MaasError) in
      try Network(text: "input \(width)\ndense \(shop.outputs)").graph(seed: options.seed)
    }
    return try Trainer(graph, initial.info, options)
  }

  /// The parts that a model is judged by, the last one decisive.
  var parts: [(name: String, part: Dataset.Part)] {
    let named: [(String, Dataset.Part?)] = [
      ("training", dataset.training), (Self.validationName, dataset.validation), ("test", dataset.test),
    ]
    return named.compactMap { name, part in part.map { (name, $0) } }
  }
  static let validationName = "validation"

  /// Whether the network is trained again with these samples, too, once they have said for how long. Of many samples
  /// the others are enough; and where no others judge the model, these must.
  func refits(_ validation: Dataset.Part) -> Bool {
    let isPossible =
      options.patience > 0 && options.schedule.kind != .plateau && validation.source === training.source
    return isPossible && dataset.test != nil
      && (command.training.refit ?? (training.samples.count < fewSamples))
  }
}

// What is printed.
extension Plan {
  var decisions: [(name: String, value: String)] {
    var rows = [
      (name: "data", value: "\(dataset.training.source.path): \(dataset.training.source.count) samples")
    ]
    rows.append(("task", taskText))
    rows += columnRows
    if let sounds = training.source as? SoundFolder {
      rows.append(
        (
          "sounds",
          "\(sounds.rate) samples a second, to which \(sounds.resampled) of \(sounds.count) are brought"
        ))
    }
    rows.append(("samples", joined(parts.map { "\($0.name) \($0.part.samples.count)" }, ", ")))
    return rows
  }

  private var taskText: String {
    let targets = training.source.targets
    var text = targets.task.rawValue
    if let table = training.source as? TableSource {
      text += " of '\(table.schema.target)' (\(table.schema.taskReason))"
    }
    return targets.classNames.isEmpty ? text : text + ": \(listed(targets.classNames))"
  }

  /// The columns of each kind, those that are left out with the reason.
  private var columnRows: [(name: String, value: String)] {
    guard let table = training.source as? TableSource else { return [] }
    var rows: [(name: String, value: String)] = []
    for kind in ColumnKind.allCases {
      let columns = table.schema.columns.filter { $0.kind == kind && $0.name != table.schema.target }
      if columns.isEmpty { continue }
      let shown = columns.prefix(12).map { $0.reason.isEmpty ? $0.name : "\($0.name) (\($0.reason))" }
      rows.append(
        (
          Plan.names[kind] ?? kind.rawValue,
          joined(shown + (columns.count > 12 ? ["… (\(columns.count) in all)"] : []), ", ")
        ))
    }
    return rows
  }

  private static let names: [ColumnKind: String] = [
    .number: "numbers", .category: "categories", .text: "texts", .ignored: "left out",
  ]

  /// What was chosen of the network and the trainer.
  func choices(_ network: Network?, _ options: TrainerOptions, _ shop: Workshop) -> [(
    name: String, value: String
  )] {
    let layers = network?.text.split(separator: "\n").map(String.init) ?? [initial?.description ?? ""]
    return [
      ("features", "\(shop.preprocessing.inputs.count) inputs become \(describe(shop.preprocessing.dims))"),
      ("network", joined(layers, " > ")),
      (
        "training",
        "\(options.update.rule.rawValue), learning rate \(figure(options.learningRate, digits: 6)), batches of "
          + "\(options.batchSize), at most \(options.epochs) epochs, patience \(options.patience), seed \(options.seed)"
          + (options.ema > 0 ? ", averaged by \(figure(options.ema))" : "")
          + ((dataset.validation.map(refits) ?? false) ? "; then again with the validation samples" : "")
      ),
    ]
  }
}

extension PreprocessingOptions {
  /// Pictures as the model to go on with reads them, where nothing else was said.
  fileprivate mutating func fit(_ initial: InitialModel?) {
    guard initial?.preprocessing == nil, let dims = initial?.dims, dims.count == 3 else { return }
    if imageSize == nil { imageSize = dims[1] }
    if isGray == nil { isGray = dims[0] == 1 }
  }
}
