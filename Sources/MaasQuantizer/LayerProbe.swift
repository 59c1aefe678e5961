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

/// Samples by which nothing is fitted, so that they tell whether something fits: every fourth.
func isHeldOut(_ sample: Int) -> Bool { sample % 4 == 3 }

/// What a layer loses, on all samples and on those held out.
struct LayerError {
  var all = SignalError()
  private var heldOut = SignalError()

  init(all: SignalError = SignalError()) { self.all = all }

  mutating func add(_ signal: Double, _ error: Double, sample: Int) {
    all.add(signal, error)
    if isHeldOut(sample) { heldOut.add(signal, error) }
  }

  /// What counts when two ways are compared.
  var judged: SignalError { heldOut.signal > 0 ? heldOut : all }
}

/// How much each layer loses when it alone is quantized: the model as it is, with every layer a second time beside it.
struct LayerProbe {
  private let graph: Graph
  private let values: [ValueID]
  private let count: Int
  /// The layers whose means are found, in the order of the values.
  private var meant: [Int] = []

  /// `weights` are those of each layer.
  init(_ assembly: Assembly, _ layers: [Layer], _ weights: [QuantizedWeights], findsMeans: Bool = false)
    throws(MaasError)
  {
    count = layers.count
    let places = Dictionary(layers.enumerated().map { ($1.index, $0) }) { first, _ in first }
    var writer = QuantizedWriter(assembly.graph, assembly.ownGrids, opset: assembly.opset)
    var values: [ValueID] = []
    for (i, node) in assembly.graph.nodes.enumerated() {
      writer.rewriter.keep(node)
      guard let place = places[i] else { continue }
      let made = try writer.write(layers[place], weights[place], reading: layers[place].x)
      let lost = try writer.rewriter.add("Sub", [layers[place].y, made], "lost")
      if findsMeans {
        guard let mean = try writer.rewriter.channelMean(lost, of: layers[place]) else { continue }
        values.append(mean)
        meant.append(place)
        continue
      }
      for value in [layers[place].y, lost] {
        values.append(
          try writer.rewriter.add("ReduceSumSquare", [value], "squares", [Attribute("keepdims", .int(0))]))
      }
    }
    self.values = values
    graph = try writer.rewriter.finished()
  }

  func measure(_ data: any CalibrationData, threads: Int) throws(MaasError) -> [LayerError] {
    var errors = [LayerError](repeating: LayerError(), count: count)
    let count = count
    try Observation(graph, values, threads: threads).run(data) { (sight) throws(MaasError) in
      for i in 0..<count where sight.values.count == 2 * count {
        let (signal, error) = (sight.values[2 * i].floats[0], sight.values[2 * i + 1].floats[0])
        errors[i].add(Double(signal), Double(error), sample: sight.index)
      }
    }
    return errors
  }
}

extension LayerProbe {
  /// What each channel of a layer loses on average; nil for layers without biases to take it.
  func means(_ data: any CalibrationData, threads: Int) throws(MaasError) -> [[Float]?] {
    var means: [[Float]?] = (0..<count).map { _ in nil }
    guard !values.isEmpty else { return means }
    var sums = meant.map { _ in [Double]() }
    var samples = 0
    try Observation(graph, values, threads: threads).run(data) { sight in
      if isHeldOut(sight.index) { return }
      samples += 1
      for (i, tensor) in sight.values.enumerated() {
        if sums[i].isEmpty { sums[i] = [Double](repeating: 0, count: tensor.count) }
        for j in 0..<min(tensor.count, sums[i].count) { sums[i][j] += Double(tensor.floats[j]) }
      }
    }
    for (place, sum) in zip(meant, sums) { means[place] = sum.map { Float($0 / Double(samples)) } }
    return means
  }
}

extension GraphRewriter {
  /// The mean over all but the channels; nil where the layer has no bias of its own or an open rank.
  fileprivate mutating func channelMean(_ value: ValueID, of layer: Layer) throws(MaasError) -> ValueID? {
    guard let bias = layer.bias, graph[bias].constant?.count == layer.columns,
      let rank = graph[layer.y].shape?.rank, rank > 1
    else { return nil }
    let channel = layer.isConvolution ? 1 : rank - 1
    let axes = (0..<rank).filter { $0 != channel }
    let keeps = Attribute("keepdims", .int(0))
    if opset < 18 { return try add("ReduceMean", [value], "mean", [Attribute("axes", .ints(axes)), keeps]) }
    let list = constant("axes", try Tensor(.int64, [axes.count], axes.map { Int64($0) }))
    return try add("ReduceMean", [value, list], "mean", [keeps])
  }
}

extension Graph {
  /// The layer's bias with what is added to it.
  mutating func corrected(_ layer: Layer, _ mean: [Float]) throws(MaasError) -> ValueID? {
    guard let id = layer.bias, let bias = self[id].constant, bias.count == mean.count else {
      return layer.bias
    }
    let sums = zip(bias.elements(as: Float.self), mean).map { $0 + $1 }
    return addConstant("\(self[id].name)_corrected", try Tensor(.float, bias.shape, sums))
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
