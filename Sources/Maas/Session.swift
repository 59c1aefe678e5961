import CMaasSystem
import MaasCore
import MaasGraph
import MaasOptimizer
import MaasRuntime

/// How a session runs its model.
public struct SessionOptions: Sendable {
  public enum Optimization: Int, Sendable, CaseIterable {
    /// The graph runs as the model has it.
    case none = 0
    /// Rewrites that keep every bit of the results.
    case basic = 1
    /// All rewrites; results may differ by rounding.
    case all = 2
  }

  /// Most threads one run uses, the caller's included; 0 for every CPU the process may use. Results never depend on it.
  public var threads = 0
  public var optimization = Optimization.all
  /// Most bytes one run may use besides inputs, outputs and weights; 0 for no limit.
  public var memoryLimit = 0
  /// Bytes of run memory kept for input shapes seen before.
  public var planCacheLimit = 256 << 20
  /// How the model's file is read, where the session opens it.
  public var model = ModelOptions()

  public init() {}
}

/// A model ready to run. Any number of threads may run one session at once.
public final class Session: Sendable {
  public let model: Model
  package let executable: Executable

  /// Plans for shapes that the model fixes are made here, the others at the first run with them.
  public init(_ model: Model, options: SessionOptions = SessionOptions()) throws(MaasError) {
    self.model = model
    do {
      let level = OptimizationLevel(rawValue: options.optimization.rawValue) ?? .all
      let optimized = try model.optimized(level)
      executable = Executable(
        optimized.graph, weights: optimized.weights,
        options: ExecutionOptions(
          threads: options.threads > 0 ? options.threads : ThreadPool.defaultThreads,
          memoryLimit: options.memoryLimit > 0 ? min(options.memoryLimit, maximumBytes) : maximumBytes,
          planCacheLimit: options.planCacheLimit))
      try executable.prepare()
    } catch {
      throw model.path.map { error.inFile($0) } ?? error
    }
  }

  public convenience init(path: String, options: SessionOptions = SessionOptions()) throws(MaasError) {
    try self.init(try Model(path: path, options: options.model), options: options)
  }

  /// Runs the model once. Inputs are in the model's order and only read. Returns all outputs in the model's order.
  public func run(_ inputs: [Tensor], options: RunOptions = RunOptions()) throws(MaasError) -> [Tensor] {
    try run(inputs, outputs: Array(model.outputs.indices), options: options)
  }

  /// Runs the model once with inputs by name, in any order, and returns the named outputs (nil: all of them).
  public func run(
    _ inputs: [(name: String, tensor: Tensor)], outputs: [String]? = nil, options: RunOptions = RunOptions()
  ) throws(MaasError) -> [Tensor] {
    let ordered = try order(inputs.map { ($0.name, $0.tensor) })
    let indices = try outputs?.map { (name) throws(MaasError) in try model.index(ofOutput: name) }
    return try run(ordered, outputs: indices ?? Array(model.outputs.indices), options: options)
  }

  /// As above with outputs by index; only what they depend on is computed.
  package func run(_ inputs: [Tensor], outputs: [Int], options: RunOptions) throws(MaasError) -> [Tensor] {
    try run(inputs, outputs: outputs.map { ($0, .allocated(keep: false)) }, options: options)
  }

  package func run(
    _ inputs: [Tensor], outputs: [(index: Int, target: OutputTarget)], options: RunOptions
  ) throws(MaasError) -> [Tensor] {
    try checkCount(inputs.map { .tensor($0) })
    var targets: [OutputTarget?] = model.outputs.map { _ in nil }
    for (index, target) in outputs {
      guard targets.indices.contains(index) else {
        throw MaasError(.notFound, "the model has no output \(index)", expected: "0..\(targets.count - 1)")
      }
      targets[index] = target
    }
    let wanted = targets
    let results = try located { () throws(MaasError) in
      try executable.run(inputs, wanted, limits: options.limits)
    }
    // The limits point into the options' cancel flag.
    withExtendedLifetime(options) {}
    return outputs.compactMap { results[$0.index] }
  }

  /// Runs the model once with inputs of any kind, in the model's order, and returns the outputs asked for by index.
  public func run(
    _ inputs: [Datum], outputs: [Int], options: RunOptions = RunOptions()
  ) throws(MaasError) -> [Datum] {
    try checkCount(inputs)
    var targets: [OutputTarget?] = model.outputs.map { _ in nil }
    for index in outputs {
      guard targets.indices.contains(index) else {
        throw MaasError(.notFound, "the model has no output \(index)", expected: "0..\(targets.count - 1)")
      }
      targets[index] = .allocated(keep: false)
    }
    let wanted = targets
    let results = try located { () throws(MaasError) in
      try executable.run(inputs, wanted, limits: options.limits)
    }
    withExtendedLifetime(options) {}
    return outputs.compactMap { results[$0] }
  }

  private func checkCount(_ inputs: [Datum]) throws(MaasError) {
    if inputs.count < model.inputs.count {
      throw MaasError(
        .missingInput, "an input of the model is not given", tensor: model.inputs[inputs.count].name,
        expected: "\(model.inputs.count) inputs", found: "\(inputs.count)")
    }
    if inputs.count > model.inputs.count {
      throw MaasError(
        .invalidArgument, "more inputs are given than the model has", expected: "\(model.inputs.count)",
        found: "\(inputs.count)")
    }
  }

  /// Adds the model's file to errors.
  package func located<R>(_ body: () throws(MaasError) -> R) throws(MaasError) -> R {
    do {
      return try body()
    } catch {
      throw model.path.map { error.inFile($0) } ?? error
    }
  }
}

// Names.
extension Session {
  /// Inputs by name in the model's order.
  package func order<Input>(_ inputs: [(name: String, input: Input)]) throws(MaasError) -> [Input] {
    var ordered: [Input?] = model.inputs.map { _ in nil }
    for (name, input) in inputs {
      let i = try model.index(ofInput: name)
      if ordered[i] != nil { throw MaasError(.invalidArgument, "the input is given twice", tensor: name) }
      ordered[i] = input
    }
    var all: [Input] = []
    for (i, input) in ordered.enumerated() {
      guard let input else {
        throw MaasError(.missingInput, "an input of the model is not given", tensor: model.inputs[i].name)
      }
      all.append(input)
    }
    return all
  }
}

// Profiles and numbers.
extension Session {
  /// Records the time of every step of every run from now on; false when that is already so.
  public func startProfile() -> Bool { executable.startProfile() }

  /// What is recorded so far, as a trace in Chrome's JSON format; nil when nothing is.
  package var profile: String? { executable.profile?.chromeTrace }

  /// Ends the recording and gives it as a trace in Chrome's JSON format; nil when there was none.
  public func stopProfile() -> String? { executable.stopProfile()?.chromeTrace }

  package var statistics: Executable.Statistics { executable.statistics }
}
