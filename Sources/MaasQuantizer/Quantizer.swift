import MaasCore
import MaasGraph
import MaasOptimizer

/// Quantizes one model.
package final class Quantizer {
  private let options: QuantizationOptions
  private let data: (any CalibrationData)?
  private let progress: (String) -> Void
  /// The model as it will be written, but for what becomes of its layers.
  private let graph: Graph
  private let found: LayerList
  private var report = QuantizationReport()

  /// `graph` keeps its forms and knows the types of its values.
  package init(
    _ graph: Graph, _ options: QuantizationOptions, _ data: (any CalibrationData)?,
    progress: @escaping (String) -> Void
  ) throws(MaasError) {
    try options.check()
    if data == nil, options.needsCalibration {
      throw MaasError(
        .invalidArgument,
        options.mode == .static
          ? "static quantization needs calibration data" : "a budget, labels and times need calibration data")
    }
    var graph = graph
    let bytesBefore = graph.weightBytes
    try foldIntoWeights(&graph)
    if options.mode != .weights { try graph.raise(to: options.mode == .static ? 13 : 11) }
    (self.graph, self.options, self.data, self.progress) = (graph, options, data, progress)
    found = try LayerList(graph, options)
    report.mode = options.mode
    report.bytes = (bytesBefore, bytesBefore)
  }

  /// The quantized model, and what became of its layers.
  package func run() throws(MaasError) -> (graph: Graph, report: QuantizationReport) {
    guard !found.layers.isEmpty else {
      throw MaasError(
        .unsupported, "the model has no layer to quantize",
        expected: options.mode == .static ? "MatMul, Gemm or Conv" : "MatMul or Gemm",
        found: found.refused.first.map { "\($0.type) '\($0.name)', but \($0.reason)" } ?? "none")
    }
    let ranges = options.mode == .static ? try calibrated() : [:]
    let assembly = Assembly(graph: graph, ranges: ranges, opset: graph.opset ?? 13)
    let choices = try chosen(assembly)
    progress("writing")
    let graph = try assembly.model(choices)
    report.bytes.after = graph.weightBytes
    describe(choices)
    try measure(graph)
    return (graph, report)
  }
}

// Weights.
extension Quantizer {
  /// The layers with the precisions they can have, the measured error of each, and the choice among them.
  private func chosen(_ assembly: Assembly) throws(MaasError) -> [LayerChoice] {
    var precisions = found.layers.map { _ in [Precision]() }
    for bits in widths {
      let weights = try rounded(bits, assembly)
      for i in precisions.indices {
        precisions[i].append(Precision(bits: bits, weights: weights[i].weights, error: weights[i].error))
      }
    }
    var choices = zip(found.layers, precisions).map { LayerChoice($0, $1) }
    guard let data else { return choices }
    if options.keepsOnlyFaster { try time(&choices, assembly, data) }
    guard options.errorBudget != nil || options.sqnr != nil else { return choices }
    var search = BudgetSearch(
      choices, assembly, try ModelComparison(graph, data, options), progress: progress)
    try search.run()
    return search.choices
  }

  /// The bits that layers may have: under a budget, those that suffer most get more before they are left float.
  private var widths: [Int] {
    let isBudgeted = options.errorBudget != nil || options.sqnr != nil
    return isBudgeted && options.bits < 8 ? [options.bits, 8] : [options.bits]
  }

  private typealias Rounded = (weights: QuantizedWeights, error: SignalError)

  private func rounded(_ bits: Int, _ assembly: Assembly) throws(MaasError) -> [Rounded] {
    var options = options
    options.bits = bits
    var weights: [QuantizedWeights] = []
    for (i, layer) in found.layers.enumerated() {
      progress("rounding layer \(i + 1) of \(found.layers.count)")
      let filters = try Filters(layer)
      weights.append(
        options.mode == .weights
          ? .blocks(try BlockWeights(filters, options)) : .channels(try ChannelWeights(filters)))
    }
    let nearest = Array(zip(weights, try errors(assembly, weights)))
    guard let data, options.mode == .weights, bits < 8 else { return nearest }
    let others = try sequential(options, data)
    return zip(nearest, zip(others, try errors(assembly, others))).map { $0.1.sqnr < $1.1.sqnr ? $1 : $0 }
  }

  /// Weights rounded one after the other, by how the inputs of layers go together.
  private func sequential(
    _ options: QuantizationOptions, _ data: any CalibrationData
  ) throws(MaasError) -> [QuantizedWeights] {
    var widths: [(value: ValueID, width: Int)] = []
    for layer in found.layers where !widths.contains(where: { $0.value == layer.x }) {
      widths.append((layer.x, layer.rows))
    }
    var weights: [Int: QuantizedWeights] = [:]
    for group in GramMatrices.groups(widths) {
      progress("relating the inputs of layers")
      let sums = try GramMatrices.sums(graph, group, data, threads: options.threads)
      for (item, sum) in zip(group, sums) {
        let triangle = try Triangle(sum, size: item.width)
        for (i, layer) in found.layers.enumerated() where layer.x == item.value {
          progress("rounding layer \(i + 1) of \(found.layers.count) by its inputs")
          weights[i] = .blocks(try BlockWeights(try Filters(layer), triangle, options))
        }
      }
    }
    return found.layers.indices.compactMap { weights[$0] }
  }

  private func errors(_ assembly: Assembly, _ weights: [QuantizedWeights]) throws(MaasError) -> [SignalError]
  {
    progress("measuring layers")
    if let data {
      return try LayerProbe(assembly, found.layers, weights).measure(data, threads: options.threads)
    }
    return try zip(weights, found.layers).map { (weights, layer) throws(MaasError) in
      try weights.error(layer)
    }
  }

  /// Times the layers, and gives back those that gain nothing.
  private func time(
    _ choices: inout [LayerChoice], _ assembly: Assembly, _ data: any CalibrationData
  ) throws(MaasError) {
    let timer = try LayerTimer(assembly, found.layers, data, threads: options.threads)
    for i in choices.indices {
      progress("timing layer \(i + 1) of \(choices.count)")
      for j in choices[i].precisions.indices {
        guard let times = try timer.times(choices[i].layer, choices[i].precisions[j].weights) else {
          continue
        }
        choices[i].time = times.before
        choices[i].precisions[j].time = times.after
        choices[i].precisions[j].isAllowed = times.after < times.before
      }
      choices[i].chosen = choices[i].precisions.firstIndex { $0.isAllowed }
      if choices[i].chosen == nil { choices[i].reason = "not faster on this machine" }
    }
  }
}

// Calibration.
extension Quantizer {
  private func calibrated() throws(MaasError) -> [ValueID: ClosedRange<Float>] {
    guard let data else { return [:] }
    let values = ByteFlow(graph, layers: found.layers).values
    var ranges = values.map { ValueRange(graph[$0].name, options.method) }
    let (count, progress) = (values.count, progress)
    try Observation(graph, values, threads: options.threads).run(data) { (sight) throws(MaasError) in
      progress("calibrating, sample \(sight.index + 1)")
      for j in 0..<count { try ranges[j].add(sight.values[j]) }
    }
    var ends: [ValueID: ClosedRange<Float>] = [:]
    let inputs = Set(found.layers.map { $0.x })
    for (value, range) in zip(values, ranges) {
      if let found = range.ends(options.method) {
        ends[value] = found
      } else if inputs.contains(value) {
        throw MaasError(
          .outOfRange, "the value is 0 in all calibration data, so that bytes have no range",
          tensor: range.name,
          hint: "give data like those the model will see, or exclude the nodes that read it")
      }
    }
    return ends
  }
}

// The report.
extension Quantizer {
  private func describe(_ choices: [LayerChoice]) {
    report.layers = choices.map { choice in
      // Of a layer that was given back, what it would have been.
      let shown = choice.current ?? choice.precisions.last
      var times: (Double, Double)?
      if let before = choice.time, let after = shown?.time { times = (before, after) }
      return QuantizationReport.Layer(
        name: choice.layer.name, type: choice.layer.type, shape: choice.layer.weights.shape,
        bits: shown?.bits ?? 32, sqnr: shown?.error.sqnr, time: times, isQuantized: choice.chosen != nil,
        reason: choice.reason)
    }
  }

  private func measure(_ quantized: Graph) throws(MaasError) {
    for refusal in found.refused {
      report.layers.append(
        QuantizationReport.Layer(
          name: refusal.name, type: refusal.type, shape: [], bits: 32, sqnr: nil, time: nil,
          isQuantized: false,
          reason: refusal.reason))
    }
    guard let data else { return }
    progress("measuring the outputs")
    let error = try ModelComparison(graph, data, options).error(quantized)
    report.samples = error.samples
    (report.error, report.sqnr) = (error.worst.relative, error.worst.sqnr)
    report.accuracy = error.accuracy
    guard let sample = try data.sample(0) else { return }
    let inputs = graph.inputs.compactMap { id in
      sample.first { Name($0.name) == Name(graph[id].name) }?.tensor
    }
    report.latency = try race(
      Contestant(graph: graph, inputs: inputs), Contestant(graph: quantized, inputs: inputs),
      threads: options.threads)
  }
}

extension Graph {
  /// Bytes of all constants that nodes read.
  var weightBytes: Int {
    var seen: Set<ValueID> = []
    var sum = 0
    for node in nodes {
      for case .some(let input) in node.inputs where seen.insert(input).inserted {
        sum += self[input].constant?.byteCount ?? 0
      }
    }
    return sum
  }
}
