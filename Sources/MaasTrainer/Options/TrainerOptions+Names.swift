import MaasCore

/// An option that is set and shown as text.
private struct OptionRow: Sendable {
  /// Lets an option be read and written where it stands.
  typealias Place<Value> = @Sendable (inout TrainerOptions, (inout Value) -> Void) -> Void

  enum Kind: Sendable {
    case real(NumberLimits, Place<Double>)
    case count(ClosedRange<Int>, Place<Int>)
    case flag(Place<Bool>)
    case choice([String], Place<String>)
    case words(Place<[String]>)
    /// Of which none is negative and some are more than 0, where there are any.
    case weights(Place<[Float]>)
  }

  let name: String
  let kind: Kind

  func text(_ options: TrainerOptions) -> String {
    var (copy, text) = (options, "")
    switch kind {
    case .real(_, let place): place(&copy) { text = "\($0)" }
    case .count(_, let place): place(&copy) { text = "\($0)" }
    case .flag(let place): place(&copy) { text = "\($0)" }
    case .choice(_, let place): place(&copy) { text = $0 }
    case .words(let place): place(&copy) { text = joined($0, ",") }
    case .weights(let place): place(&copy) { text = joined($0.map { "\($0)" }, ",") }
    }
    return text
  }

  func set(_ options: inout TrainerOptions, _ text: String) throws(MaasError) {
    let expected: String
    var hint: String?
    switch kind {
    case .real(_, let place):
      if let value = decimal(text) { return place(&options) { $0 = value } }
      expected = "a number"
    case .count(_, let place):
      if let value = Int(text) { return place(&options) { $0 = value } }
      expected = "a whole number"
    case .flag(let place):
      if let value = Bool(text) { return place(&options) { $0 = value } }
      expected = "true or false"
    case .choice(let words, let place):
      if words.contains(text) { return place(&options) { $0 = text } }
      (expected, hint) = (joined(words, ", "), didYouMean(text, words))
    case .words(let place):
      if let words = list(text) { return place(&options) { $0 = words } }
      expected = "words with commas between them"
    case .weights(let place):
      let numbers = list(text)?.map { decimal($0).map { Float($0) } } ?? [nil]
      let known = numbers.compactMap { $0 }
      if known.count == numbers.count { return place(&options) { $0 = known } }
      expected = "numbers with commas between them"
    }
    throw MaasError(
      .invalidArgument, "the option '\(name)' has a value it cannot have", expected: expected,
      found: "'\(text)'", hint: hint)
  }

  /// Words between commas; nil where one is empty.
  private func list(_ text: String) -> [String]? {
    if text.isEmpty { return [] }
    let words = text.split(separator: ",", omittingEmptySubsequences: false).map { String($0) }
    return words.contains("") ? nil : words
  }

  /// Refuses what is out of range.
  func check(_ options: TrainerOptions) throws(MaasError) {
    var (copy, expected): (TrainerOptions, String?) = (options, nil)
    switch kind {
    case .real(let limits, let place):
      place(&copy) { if !limits.contains($0) { expected = limits.text } }
    case .count(let range, let place):
      place(&copy) { value in
        if value < range.lowerBound { expected = "at least \(range.lowerBound)" }
        if value > range.upperBound { expected = "at most \(range.upperBound)" }
      }
    case .weights(let place):
      place(&copy) { values in
        let fits = values.allSatisfy { NumberLimits.notNegative.contains(Double($0)) }
        if !fits || (!values.isEmpty && !values.contains { $0 > 0 }) {
          expected = "numbers, at least 0, and some more than 0"
        }
      }
    case .flag, .choice, .words: return
    }
    guard let expected else { return }
    throw MaasError(
      .outOfRange, "the option '\(name)' cannot be that", expected: expected, found: text(options))
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
    joined(optionRows.filter { isWanted($0.name) }.map { "\($0.name) \($0.text(self))" }, "\n")
  }

  /// Refuses what cannot be.
  package func check() throws(MaasError) {
    for row in optionRows { try row.check(self) }
  }
}

extension UpdateMethod {
  /// A rule brings its own beta2 and epsilon: they are set after it.
  fileprivate var newRule: Rule {
    get { rule }
    set {
      let old = self
      self = UpdateMethod(newValue)
      (momentum, isNesterov, beta1) = (old.momentum, old.isNesterov, old.beta1)
    }
  }
}

extension Schedule {
  /// A kind brings its own numbers.
  fileprivate var newKind: Kind {
    get { kind }
    set {
      let warmUp = warmUp
      self = Schedule(newValue)
      self.warmUp = warmUp
    }
  }
}

extension TrainerOptions {
  fileprivate var seedNumber: Int {
    get { Int(seed) }
    set { seed = Int64(newValue) }
  }
}

private func real(
  _ name: String, _ limits: NumberLimits, _ place: @escaping OptionRow.Place<Double>
) -> OptionRow {
  OptionRow(name: name, kind: .real(limits, place))
}

private func count(
  _ name: String, from least: Int = 0, to most: Int = 1 << 30, _ place: @escaping OptionRow.Place<Int>
) -> OptionRow {
  OptionRow(name: name, kind: .count(least...most, place))
}

private func flag(_ name: String, _ place: @escaping OptionRow.Place<Bool>) -> OptionRow {
  OptionRow(name: name, kind: .flag(place))
}

private func words(_ name: String, _ place: @escaping OptionRow.Place<[String]>) -> OptionRow {
  OptionRow(name: name, kind: .words(place))
}

private func choice<Choice: RawRepresentable<String> & CaseIterable & Sendable>(
  _ name: String, _ place: @escaping OptionRow.Place<Choice>
) -> OptionRow {
  let words = Choice.allCases.map { $0.rawValue }
  return OptionRow(
    name: name,
    kind: .choice(words) { options, use in
      place(&options) { value in
        var word = value.rawValue
        use(&word)
        value = Choice(rawValue: word) ?? value
      }
    })
}

private let optionRows: [OptionRow] = [
  choice("loss") { $1(&$0.loss) },
  real("huber_delta", .positive) { $1(&$0.huberDelta) },
  real("label_smoothing", .part) { $1(&$0.labelSmoothing) },
  OptionRow(name: "class_weights", kind: .weights { $1(&$0.classWeights) }),
  choice("update_rule") { $1(&$0.update.newRule) },
  real("momentum", .part) { $1(&$0.update.momentum) },
  flag("nesterov") { $1(&$0.update.isNesterov) },
  real("beta1", .part) { $1(&$0.update.beta1) },
  real("beta2", .part) { $1(&$0.update.beta2) },
  real("epsilon", .positive) { $1(&$0.update.epsilon) },
  real("learning_rate", .notNegative) { $1(&$0.learningRate) },
  choice("schedule") { $1(&$0.schedule.newKind) },
  real("schedule_factor", .positive) { $1(&$0.schedule.factor) },
  count("schedule_period") { $1(&$0.schedule.period) },
  real("schedule_end", .notNegative) { $1(&$0.schedule.end) },
  count("warm_up") { $1(&$0.schedule.warmUp) },
  real("weight_decay", .notNegative) { $1(&$0.weightDecay) },
  real("l1", .notNegative) { $1(&$0.l1) },
  real("l2", .notNegative) { $1(&$0.l2) },
  real("clip_norm", .notNegative) { $1(&$0.clipNorm) },
  real("clip_value", .notNegative) { $1(&$0.clipValue) },
  count("accumulate", from: 1) { $1(&$0.accumulate) },
  real("ema", .part) { $1(&$0.ema) },
  count("batch_size", from: 1) { $1(&$0.batchSize) },
  count("epochs") { $1(&$0.epochs) },
  flag("shuffle") { $1(&$0.shuffles) },
  real("validation_split", .part) { $1(&$0.validationSplit) },
  count("patience") { $1(&$0.patience) },
  real("min_delta", .notNegative) { $1(&$0.minDelta) },
  count("seed", from: .min, to: .max) { $1(&$0.seedNumber) },
  count("threads", to: 1 << 16) { $1(&$0.threads) },
  words("freeze") { $1(&$0.frozen) },
  count("lora_rank", to: 1 << 16) { $1(&$0.lora.rank) },
  real("lora_alpha", .positive) { $1(&$0.lora.alpha) },
  words("lora_patterns") { $1(&$0.lora.patterns) },
]
