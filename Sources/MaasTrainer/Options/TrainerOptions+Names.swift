import MaasCore

/// What an option holds: one of these.
private struct OptionValue {
  var real = 0.0
  var count = 0
  var flag = false
  var word = ""
  var words: [String] = []
  var weights: [Float] = []
}

/// What an option may hold, in which field of `OptionValue`.
private enum OptionForm: Sendable {
  case positive, notNegative, part
  /// From 0 or from 1 on; few are no more than anybody has threads; any number.
  case count, fromOne, few, any
  case flag, loss, rule, schedule, words, weights

  private var limits: NumberLimits? {
    switch self {
    case .positive: .positive
    case .notNegative: .notNegative
    case .part: .part
    default: nil
    }
  }

  private var range: ClosedRange<Int>? {
    switch self {
    case .count: 0...1 << 30
    case .fromOne: 1...1 << 30
    case .few: 0...1 << 16
    case .any: .min ... .max
    default: nil
    }
  }

  var choices: [String] {
    switch self {
    case .loss: LossFunction.allCases.map { $0.rawValue }
    case .rule: UpdateMethod.Rule.allCases.map { $0.rawValue }
    case .schedule: Schedule.Kind.allCases.map { $0.rawValue }
    default: []
    }
  }

  func text(_ value: OptionValue) -> String {
    if limits != nil { return "\(value.real)" }
    if range != nil { return "\(value.count)" }
    switch self {
    case .flag: return "\(value.flag)"
    case .words: return joined(value.words, ",")
    case .weights: return joined(value.weights.map { "\($0)" }, ",")
    default: return value.word
    }
  }

  /// What a text says; nil where it says no such thing.
  func value(_ text: String) -> OptionValue? {
    var value = OptionValue()
    if limits != nil {
      guard let real = decimal(text) else { return nil }
      value.real = real
    } else if range != nil {
      guard let count = Int(text) else { return nil }
      value.count = count
    } else if self == .flag {
      guard let flag = Bool(text) else { return nil }
      value.flag = flag
    } else if self == .words || self == .weights {
      value.words =
        text.isEmpty ? [] : text.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
      for word in value.words {
        guard !word.isEmpty, let number = self == .words ? 0 : decimal(word) else { return nil }
        let weight = Float(number)
        // What would become 0 is no weight either.
        value.weights.append(weight == 0 && number != 0 ? .leastNonzeroMagnitude : weight)
      }
    } else {
      guard choices.contains(text) else { return nil }
      value.word = text
    }
    return value
  }

  /// What a text should have said.
  var expected: String {
    switch self {
    case .flag: "true or false"
    case .words: "words with commas between them"
    case .weights: "numbers with commas between them"
    default: limits != nil ? "a number" : range != nil ? "a whole number" : joined(choices, ", ")
    }
  }

  /// What a value should be; nil where it is that.
  func limit(_ value: OptionValue) -> String? {
    if let limits { return limits.contains(value.real) ? nil : limits.text }
    if let range {
      if value.count < range.lowerBound { return "at least \(range.lowerBound)" }
      return value.count > range.upperBound ? "at most \(range.upperBound)" : nil
    }
    let fits = value.weights.allSatisfy { NumberLimits.notNegative.contains(Double($0)) }
    let counts = value.weights.isEmpty || value.weights.contains { $0 > 0 }
    return fits && counts ? nil : "each \(NumberLimits.notNegative.text), and one above 0"
  }
}

/// An option that is set and shown as text.
private struct OptionRow: Sendable {
  let name: String
  let form: OptionForm
  /// Exchanges the option and the field of its form.
  let exchange: @Sendable (inout TrainerOptions, inout OptionValue) -> Void

  func value(_ options: TrainerOptions) -> OptionValue {
    var (copy, value) = (options, OptionValue())
    exchange(&copy, &value)
    return value
  }

  func set(_ options: inout TrainerOptions, _ text: String) throws(MaasError) {
    guard var value = form.value(text) else {
      throw MaasError(
        .invalidArgument, "the option '\(name)' has a value it cannot have", expected: form.expected,
        found: "'\(text)'", hint: didYouMean(text, form.choices))
    }
    exchange(&options, &value)
  }

  /// Refuses what is out of range.
  func check(_ options: TrainerOptions) throws(MaasError) {
    let value = value(options)
    guard let limit = form.limit(value) else { return }
    throw MaasError(
      .outOfRange, "the option '\(name)' cannot be that", expected: limit, found: form.text(value))
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
    try row.set(&self, value)
  }

  /// The names of all options.
  public static var names: [String] { optionRows.map { $0.name } }

  /// All options as text, one `name value` a line.
  public var text: String { text { _ in true } }

  /// The options that a result depends on.
  var decisive: String { text { $0 != "threads" && $0 != "epochs" } }

  private func text(_ isWanted: (String) -> Bool) -> String {
    joined(optionRows.filter { isWanted($0.name) }.map { "\($0.name) \($0.form.text($0.value(self)))" }, "\n")
  }

  /// Refuses what cannot be.
  package func check() throws(MaasError) {
    for row in optionRows { try row.check(self) }
  }
}

extension TrainerOptions {
  fileprivate var lossName: String {
    get { loss.rawValue }
    set { loss = LossFunction(rawValue: newValue) ?? loss }
  }

  fileprivate var seedNumber: Int {
    get { Int(seed) }
    set { seed = Int64(newValue) }
  }
}

extension UpdateMethod {
  /// A rule brings its own beta2 and epsilon: they are set after it.
  fileprivate var ruleName: String {
    get { rule.rawValue }
    set {
      let old = self
      self = UpdateMethod(Rule(rawValue: newValue) ?? rule)
      (momentum, isNesterov, beta1) = (old.momentum, old.isNesterov, old.beta1)
    }
  }
}

extension Schedule {
  /// A kind brings its own numbers.
  fileprivate var kindName: String {
    get { kind.rawValue }
    set {
      let warmUp = warmUp
      self = Schedule(Kind(rawValue: newValue) ?? kind)
      self.warmUp = warmUp
    }
  }
}

private let optionRows: [OptionRow] = [
  OptionRow(name: "loss", form: .loss) { swap(&$0.lossName, &$1.word) },
  OptionRow(name: "huber_delta", form: .positive) { swap(&$0.huberDelta, &$1.real) },
  OptionRow(name: "label_smoothing", form: .part) { swap(&$0.labelSmoothing, &$1.real) },
  OptionRow(name: "class_weights", form: .weights) { swap(&$0.classWeights, &$1.weights) },
  OptionRow(name: "update_rule", form: .rule) { swap(&$0.update.ruleName, &$1.word) },
  OptionRow(name: "momentum", form: .part) { swap(&$0.update.momentum, &$1.real) },
  OptionRow(name: "nesterov", form: .flag) { swap(&$0.update.isNesterov, &$1.flag) },
  OptionRow(name: "beta1", form: .part) { swap(&$0.update.beta1, &$1.real) },
  OptionRow(name: "beta2", form: .part) { swap(&$0.update.beta2, &$1.real) },
  OptionRow(name: "epsilon", form: .positive) { swap(&$0.update.epsilon, &$1.real) },
  OptionRow(name: "learning_rate", form: .notNegative) { swap(&$0.learningRate, &$1.real) },
  OptionRow(name: "schedule", form: .schedule) { swap(&$0.schedule.kindName, &$1.word) },
  OptionRow(name: "schedule_factor", form: .positive) { swap(&$0.schedule.factor, &$1.real) },
  OptionRow(name: "schedule_period", form: .count) { swap(&$0.schedule.period, &$1.count) },
  OptionRow(name: "schedule_end", form: .notNegative) { swap(&$0.schedule.end, &$1.real) },
  OptionRow(name: "warm_up", form: .count) { swap(&$0.schedule.warmUp, &$1.count) },
  OptionRow(name: "weight_decay", form: .notNegative) { swap(&$0.weightDecay, &$1.real) },
  OptionRow(name: "l1", form: .notNegative) { swap(&$0.l1, &$1.real) },
  OptionRow(name: "l2", form: .notNegative) { swap(&$0.l2, &$1.real) },
  OptionRow(name: "clip_norm", form: .notNegative) { swap(&$0.clipNorm, &$1.real) },
  OptionRow(name: "clip_value", form: .notNegative) { swap(&$0.clipValue, &$1.real) },
  OptionRow(name: "accumulate", form: .fromOne) { swap(&$0.accumulate, &$1.count) },
  OptionRow(name: "ema", form: .part) { swap(&$0.ema, &$1.real) },
  OptionRow(name: "batch_size", form: .fromOne) { swap(&$0.batchSize, &$1.count) },
  OptionRow(name: "epochs", form: .count) { swap(&$0.epochs, &$1.count) },
  OptionRow(name: "shuffle", form: .flag) { swap(&$0.shuffles, &$1.flag) },
  OptionRow(name: "validation_split", form: .part) { swap(&$0.validationSplit, &$1.real) },
  OptionRow(name: "patience", form: .count) { swap(&$0.patience, &$1.count) },
  OptionRow(name: "min_delta", form: .notNegative) { swap(&$0.minDelta, &$1.real) },
  OptionRow(name: "seed", form: .any) { swap(&$0.seedNumber, &$1.count) },
  OptionRow(name: "threads", form: .few) { swap(&$0.threads, &$1.count) },
  OptionRow(name: "freeze", form: .words) { swap(&$0.frozen, &$1.words) },
  OptionRow(name: "lora_rank", form: .few) { swap(&$0.lora.rank, &$1.count) },
  OptionRow(name: "lora_alpha", form: .positive) { swap(&$0.lora.alpha, &$1.real) },
  OptionRow(name: "lora_patterns", form: .words) { swap(&$0.lora.patterns, &$1.words) },
]
