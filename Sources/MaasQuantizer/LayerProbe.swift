import CMaasSystem
import MaasCore
import MaasGraph

/// A signal and what was lost of it, as sums of squares.
struct SignalError {
  var signal = 0.0
  var error = 0.0

  mutating func add(_ signal: Double, _ error: Double) {
    self.signal += signal
    self.error += error
  }

  /// The root mean square of the error as a part of the signal's.
  var relative: Double {
    error == 0 ? 0 : signal == 0 ? .infinity : (error / signal).squareRoot()
  }

  /// In decibels; infinite where nothing is lost.
  var sqnr: Double {
    error == 0 ? .infinity : signal == 0 ? -.infinity : 10 * maas_sys_log(signal / error) / maas_sys_log(10)
  }
}

/// How much each layer loses when it alone is quantized: the model as it is, with every layer a second time beside it.
struct LayerProbe {
  private let graph: Graph
  private let values: [ValueID]
  private let count: Int

  /// `weights` are those of each layer.
  init(_ assembly: Assembly, _ layers: [Layer], _ weights: [QuantizedWeights]) throws(MaasError) {
    count = layers.count
    let places = Dictionary(layers.enumerated().map { ($1.index, $0) }) { first, _ in first }
    var writer = QuantizedWriter(assembly.graph, assembly.ownGrids, opset: assembly.opset)
    var values: [ValueID] = []
    for (i, node) in assembly.graph.nodes.enumerated() {
      writer.rewriter.keep(node)
      guard let place = places[i] else { continue }
      let made = try writer.write(layers[place], weights[place], reading: layers[place].x)
      let lost = try writer.rewriter.add("Sub", [layers[place].y, made], "lost")
      for value in [layers[place].y, lost] {
        values.append(
          try writer.rewriter.add("ReduceSumSquare", [value], "squares", [Attribute("keepdims", .int(0))]))
      }
    }
    self.values = values
    graph = try writer.rewriter.finished()
  }

  func measure(_ data: any CalibrationData, threads: Int) throws(MaasError) -> [SignalError] {
    var errors = [SignalError](repeating: SignalError(), count: count)
    let count = count
    try Observation(graph, values, threads: threads).run(data) { (sight) throws(MaasError) in
      for i in 0..<count where sight.values.count == 2 * count {
        errors[i].add(Double(sight.values[2 * i].floats[0]), Double(sight.values[2 * i + 1].floats[0]))
      }
    }
    return errors
  }
}

extension QuantizedWeights {
  /// How much the numbers lose of the weights, without any data.
  func error(_ layer: Layer) throws(MaasError) -> SignalError {
    let (exact, restored) = (try Filters(layer), try Filters(layer))
    switch self {
    case .channels(let weights): weights.restore(restored)
    case .blocks(let weights): weights.restore(restored)
    }
    var sum = SignalError()
    for i in 0..<exact.values.count {
      let (value, lost) = (
        Double(exact.values.floats[i]), Double(exact.values.floats[i] - restored.values.floats[i])
      )
      sum.add(value * value, lost * lost)
    }
    return sum
  }
}
