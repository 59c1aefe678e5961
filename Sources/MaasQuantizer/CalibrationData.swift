import MaasCore
import MaasGraph
import MaasOptimizer
import MaasRuntime

/// Inputs like those that the model will see, one sample after the other, as often as asked for.
public protocol CalibrationData: AnyObject {
  /// The inputs of a sample; nil behind the last one. Samples are asked for in their order, from 0 on, several times.
  func sample(_ index: Int) throws(MaasError) -> [(name: String, tensor: Tensor)]?
}

/// A graph whose values are looked at while samples run through it, one at a time.
final class Observation {
  private let executable: Executable
  private let inputs: [Value]

  /// `values` are what is looked at, in the order in which `each` gets them.
  init(_ graph: Graph, _ values: [ValueID], threads: Int) throws(MaasError) {
    var graph = graph
    graph.outputs = values
    inputs = graph.inputs.map { graph[$0] }
    try optimize(&graph, .all)
    executable = Executable(
      graph, weights: WeightCache(graph),
      options: ExecutionOptions(
        threads: threads > 0 ? threads : ThreadPool.defaultThreads, memoryLimit: maximumBytes,
        planCacheLimit: 0))
  }

  /// One sample and what the values were with it.
  struct Sight {
    let index: Int
    let inputs: [Tensor]
    let values: [Tensor]
  }

  /// Runs the samples one after the other, at most `limit`; returns how many there were.
  @discardableResult
  func run(
    _ data: any CalibrationData, limit: Int = .max, _ each: (Sight) throws(MaasError) -> Void
  ) throws(MaasError) -> Int {
    var i = 0
    while i < limit, let sample = try data.sample(i) {
      do {
        let inputs = try ordered(sample)
        try each(Sight(index: i, inputs: inputs, values: try results(inputs)))
      } catch {
        throw error.inSample(i)
      }
      i += 1
    }
    if i > 0 { return i }
    throw MaasError(
      .invalidArgument, "there are no calibration data", expected: "at least one sample", found: "0 samples")
  }

  /// The values with inputs of another observation of the same model.
  func results(_ inputs: [Tensor]) throws(MaasError) -> [Tensor] {
    let targets: [OutputTarget?] = executable.graph.outputs.map { _ in .allocated(keep: false) }
    return try executable.run(inputs, targets).compactMap { $0 }
  }

  private func ordered(_ sample: [(name: String, tensor: Tensor)]) throws(MaasError) -> [Tensor] {
    let names = inputs.map { $0.name }
    for (name, _) in sample where !names.contains(where: { Name($0) == Name(name) }) {
      throw MaasError(
        .notFound, "the model has no input '\(name)'",
        expected: joined(names.map { "'\($0)'" }, " or "), hint: didYouMean(name, names))
    }
    return try inputs.enumerated().map { (i, input) throws(MaasError) in
      guard let tensor = sample.first(where: { Name($0.name) == Name(input.name) })?.tensor else {
        throw MaasError(.missingInput, "an input of the model is not given", tensor: input.name)
      }
      try executable.check(.tensor(tensor), input: i)
      if tensor.dtype == .float, let place = tensor.firstOddity {
        throw MaasError(.outOfRange, "element \(place) is NaN or infinite", tensor: input.name)
      }
      return tensor
    }
  }
}

extension MaasError {
  func inSample(_ i: Int) -> MaasError {
    let placed = MaasError(
      code, "calibration sample \(i): \(problem)", tensor: tensor, expected: expected, found: found,
      hint: hint)
    return placed.inNodeOf(self)
  }

  private func inNodeOf(_ other: MaasError) -> MaasError {
    other.node.map { inNode($0, other.operatorName ?? "?") } ?? self
  }
}
