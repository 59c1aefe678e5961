import MaasCore

/// An option that is set and shown as text.
private struct OptionRow: Sendable {
  let name: String
  let get: @Sendable (TrainerOptions) -> String
  let set: @Sendable (inout TrainerOptions, OptionText) throws(MaasError) -> Void
}

/// What an option shall become.
private struct OptionText {
  let name, text: String

  private func refusal(_ expected: String, _ hint: String? = nil) -> MaasError {
    MaasError(
      .invalidArgument, "the option '\(name)' has a value it cannot have", expected: expected,
      found: "'\(text)'",
      hint: hint)
  }

  func real() throws(MaasError) -> Double {
    guard let value = Double(text) else { throw refusal("a number") }
    return value
  }

  func count() throws(MaasError) -> Int {
    guard let value = Int(text) else { throw refusal("a whole number") }
    return value
  }

  func flag() throws(MaasError) -> Bool {
    guard let value = Bool(text) else { throw refusal("true or false") }
    return value
  }

  func choice<E: RawRepresentable & CaseIterable>(_ type: E.Type) throws(MaasError) -> E
  where E.RawValue == String {
    if let value = E(rawValue: text) { return value }
    let words = E.allCases.map { $0.rawValue }
    throw refusal(joined(words, ", "), didYouMean(text, words))
  }

  func words() -> [String] { text.split(separator: ",").map { String($0) } }

  func numbers() throws(MaasError) -> [Float] {
    try words().map { (word) throws(MaasError) in
      guard let value = Float(word) else { throw refusal("numbers with commas between them") }
      return value
    }
  }
}

extension TrainerOptions {
  /// Sets an option by its name, e.g. `learning_rate` to `0.01`.
  public mutating func set(_ name: String, _ value: String) throws(MaasError) {
    guard let row = optionRows.first(where: { $0.name == name }) else {
      throw MaasError(
        .notFound, "there is no option '\(name)' of training",
        hint: didYouMean(name, Self.names) ?? "there are \(joined(Self.names, ", "))")
    }
    try row.set(&self, OptionText(name: name, text: value))
  }

  /// The names of all options.
  public static var names: [String] { optionRows.map { $0.name } }

  /// All options as text, one `name value` a line.
  public var text: String { joined(optionRows.map { "\($0.name) \($0.get(self))" }, "\n") }

  /// The options that a result depends on.
  var decisive: String {
    joined(
      optionRows.filter { $0.name != "threads" && $0.name != "epochs" }.map { "\($0.name) \($0.get(self))" },
      "\n")
  }
}

private let optionRows: [OptionRow] = [
  OptionRow(
    name: "loss", get: { $0.loss.rawValue },
    set: { (o, t) throws(MaasError) in
      o.loss = try t.choice(LossFunction.self)
    }),
  OptionRow(
    name: "huber_delta", get: { "\($0.huberDelta)" },
    set: { (o, t) throws(MaasError) in
      o.huberDelta = try t.real()
    }),
  OptionRow(
    name: "label_smoothing", get: { "\($0.labelSmoothing)" },
    set: { (o, t) throws(MaasError) in
      o.labelSmoothing = try t.real()
    }),
  OptionRow(
    name: "class_weights", get: { joined($0.classWeights.map { "\($0)" }, ",") },
    set: { (o, t) throws(MaasError) in
      o.classWeights = try t.numbers()
    }),
  // The rule brings its own beta2 and epsilon: they are set after it.
  OptionRow(
    name: "update_rule", get: { $0.update.rule.rawValue },
    set: { (o, t) throws(MaasError) in
      let old = o.update
      o.update = UpdateMethod(try t.choice(UpdateMethod.Rule.self))
      (o.update.momentum, o.update.isNesterov, o.update.beta1) = (old.momentum, old.isNesterov, old.beta1)
    }),
  OptionRow(
    name: "momentum", get: { "\($0.update.momentum)" },
    set: { (o, t) throws(MaasError) in
      o.update.momentum = try t.real()
    }),
  OptionRow(
    name: "nesterov", get: { "\($0.update.isNesterov)" },
    set: { (o, t) throws(MaasError) in
      o.update.isNesterov = try t.flag()
    }),
  OptionRow(
    name: "beta1", get: { "\($0.update.beta1)" },
    set: { (o, t) throws(MaasError) in
      o.update.beta1 = try t.real()
    }),
  OptionRow(
    name: "beta2", get: { "\($0.update.beta2)" },
    set: { (o, t) throws(MaasError) in
      o.update.beta2 = try t.real()
    }),
  OptionRow(
    name: "epsilon", get: { "\($0.update.epsilon)" },
    set: { (o, t) throws(MaasError) in
      o.update.epsilon = try t.real()
    }),
  OptionRow(
    name: "learning_rate", get: { "\($0.learningRate)" },
    set: { (o, t) throws(MaasError) in
      o.learningRate = try t.real()
    }),
  OptionRow(
    name: "schedule", get: { $0.schedule.kind.rawValue },
    set: { (o, t) throws(MaasError) in
      let warmUp = o.schedule.warmUp
      o.schedule = Schedule(try t.choice(Schedule.Kind.self))
      o.schedule.warmUp = warmUp
    }),
  OptionRow(
    name: "schedule_factor", get: { "\($0.schedule.factor)" },
    set: { (o, t) throws(MaasError) in
      o.schedule.factor = try t.real()
    }),
  OptionRow(
    name: "schedule_period", get: { "\($0.schedule.period)" },
    set: { (o, t) throws(MaasError) in
      o.schedule.period = try t.count()
    }),
  OptionRow(
    name: "schedule_end", get: { "\($0.schedule.end)" },
    set: { (o, t) throws(MaasError) in
      o.schedule.end = try t.real()
    }),
  OptionRow(
    name: "warm_up", get: { "\($0.schedule.warmUp)" },
    set: { (o, t) throws(MaasError) in
      o.schedule.warmUp = try t.count()
    }),
  OptionRow(
    name: "weight_decay", get: { "\($0.weightDecay)" },
    set: { (o, t) throws(MaasError) in
      o.weightDecay = try t.real()
    }),
  OptionRow(name: "l1", get: { "\($0.l1)" }, set: { (o, t) throws(MaasError) in o.l1 = try t.real() }),
  OptionRow(name: "l2", get: { "\($0.l2)" }, set: { (o, t) throws(MaasError) in o.l2 = try t.real() }),
  OptionRow(
    name: "clip_norm", get: { "\($0.clipNorm)" },
    set: { (o, t) throws(MaasError) in
      o.clipNorm = try t.real()
    }),
  OptionRow(
    name: "clip_value", get: { "\($0.clipValue)" },
    set: { (o, t) throws(MaasError) in
      o.clipValue = try t.real()
    }),
  OptionRow(
    name: "accumulate", get: { "\($0.accumulate)" },
    set: { (o, t) throws(MaasError) in
      o.accumulate = try t.count()
    }),
  OptionRow(name: "ema", get: { "\($0.ema)" }, set: { (o, t) throws(MaasError) in o.ema = try t.real() }),
  OptionRow(
    name: "batch_size", get: { "\($0.batchSize)" },
    set: { (o, t) throws(MaasError) in
      o.batchSize = try t.count()
    }),
  OptionRow(
    name: "epochs", get: { "\($0.epochs)" }, set: { (o, t) throws(MaasError) in o.epochs = try t.count() }),
  OptionRow(
    name: "shuffle", get: { "\($0.shuffles)" },
    set: { (o, t) throws(MaasError) in
      o.shuffles = try t.flag()
    }),
  OptionRow(
    name: "validation_split", get: { "\($0.validationSplit)" },
    set: { (o, t) throws(MaasError) in
      o.validationSplit = try t.real()
    }),
  OptionRow(
    name: "patience", get: { "\($0.patience)" },
    set: { (o, t) throws(MaasError) in
      o.patience = try t.count()
    }),
  OptionRow(
    name: "min_delta", get: { "\($0.minDelta)" },
    set: { (o, t) throws(MaasError) in
      o.minDelta = try t.real()
    }),
  OptionRow(
    name: "seed", get: { "\($0.seed)" },
    set: { (o, t) throws(MaasError) in o.seed = Int64(try t.count())
    }),
  OptionRow(
    name: "threads", get: { "\($0.threads)" },
    set: { (o, t) throws(MaasError) in o.threads = try t.count()
    }),
  OptionRow(
    name: "freeze", get: { joined($0.frozen, ",") },
    set: { (o, t) throws(MaasError) in
      o.frozen = t.words()
    }),
  OptionRow(
    name: "lora_rank", get: { "\($0.lora.rank)" },
    set: { (o, t) throws(MaasError) in
      o.lora.rank = try t.count()
    }),
  OptionRow(
    name: "lora_alpha", get: { "\($0.lora.alpha)" },
    set: { (o, t) throws(MaasError) in
      o.lora.alpha = try t.real()
    }),
  OptionRow(
    name: "lora_patterns", get: { joined($0.lora.patterns, ",") },
    set: { (o, t) throws(MaasError) in
      o.lora.patterns = t.words()
    }),
]
