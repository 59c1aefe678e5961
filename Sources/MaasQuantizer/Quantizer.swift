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
  private let refused: [Refusal]
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
    try LayerList.check(options.excluded, graph)
    try graph.checkScales()
    var graph = graph
    let bytesBefore = graph.weightBytes
    try foldIntoWeights(&graph)
    if options.mode != .weights { try graph.raise(to: options.mode == .static ? 13 : 11) }
    (self.graph, self.options, self.data, self.progress) = (graph, options, data, progress)
    let found = LayerList(graph, options)
    refused = found.refused
    report.mode = options.mode
    report.bytes = (bytesBefore, bytesBefore)
    guard found.layers.isEmpty else { return }
    throw MaasError(
      .unsupported, "the model has no layer to quantize",
      expected: options.mode == .static ? "MatMul, Gemm or Conv" : "MatMul or Gemm",
      found: refused.first.map { "\($0.type) '\($0.name)', but \($0.reason)" } ?? "none")
  }

  /// The quantized model, and what became of its layers.
  package func run() throws(MaasError) -> (graph: Graph, report: QuantizationReport) {
    var assembly = try scaled(try assembly(of: graph))
    let choices = try chosen(&assembly)
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
  private func assembly(of graph: Graph) throws(MaasError) -> Assembly {
    let layers = LayerList(graph, options).layers
    return Assembly(
      graph: graph, layers: layers, ranges: options.mode == .static ? try calibrated(graph, layers) : [:],
      opset: graph.opset ?? 13)
  }

  /// With channels scaled where that helps the layers that read them.
  private func scaled(_ assembly: Assembly) throws(MaasError) -> Assembly {
    let graph = assembly.graph
    let scalings = options.mode == .weights ? [] : ChannelScaling.all(graph, assembly.layers)
    guard let data, !scalings.isEmpty else { return assembly }
    progress("scaling channels")
    let peaks = try channelPeaks(scalings, graph, assembly.layers, data, threads: options.threads)
    let before = try errors(assembly, try nearest(assembly, options))
    let changed = try self.assembly(of: try scaling(graph, zip(scalings, peaks)))
    let after = try errors(changed, try nearest(changed, options))
    let better = zip(scalings, peaks).filter { scaling, _ in
      let lost = { (errors: [LayerError]) in scaling.layers.reduce(0.0) { $0 + errors[$1].judged.relative } }
      return lost(after) < lost(before)
    }
    if better.count == scalings.count { return changed }
    return better.isEmpty ? assembly : try self.assembly(of: try scaling(graph, better))
  }

  private func scaling(
    _ graph: Graph, _ scalings: some Sequence<(ChannelScaling, [Float])>
  ) throws(MaasError) -> Graph {
    var graph = graph
    for (scaling, peaks) in scalings { try scaling.apply(peaks, to: &graph) }
    return graph
  }

  /// The layers with the precisions they can have, the measured error of each, and the choice among them.
  private func chosen(_ assembly: inout Assembly) throws(MaasError) -> [LayerChoice] {
    var precisions = assembly.layers.map { _ in [Precision]() }
    for bits in widths {
      for (i, found) in try rounded(bits, &assembly).enumerated() { precisions[i].append(found) }
    }
    var choices = zip(assembly.layers, precisions).map { LayerChoice($0, $1) }
    guard let data else { return choices }
    try time(&choices, assembly, data)
    let budget = isBudgeted ? try ModelComparison(graph, data, options) : nil
    if let budget {
      var search = BudgetSearch(choices, assembly, budget, progress: progress)
      try search.run()
      choices = search.choices
    }
    if options.keepsOnlyFaster { try keepWhatSpeedsUpAll(&choices, assembly, data, budget) }
    return choices
  }

  private var isBudgeted: Bool { options.errorBudget != nil || options.sqnr != nil }

  /// The bits that layers may have: under a budget, those that suffer most get more before they are left float.
  private var widths: [Int] { isBudgeted && options.bits < 8 ? [options.bits, 8] : [options.bits] }

  private func rounded(_ bits: Int, _ assembly: inout Assembly) throws(MaasError) -> [Precision] {
    var options = options
    options.bits = bits
    let weights = try nearest(assembly, options)
    let errors = try errors(assembly, weights)
    var best = zip(assembly.layers, zip(weights, errors)).map { layer, found in
      Precision(bits: bits, weights: found.0, bias: layer.bias, error: found.1)
    }
    guard let data else { return best }
    if options.mode == .weights, bits < 8 {
      let others = try sequential(assembly, options, data)
      for (i, error) in try self.errors(assembly, others).enumerated()
      where error.judged.sqnr > best[i].error.judged.sqnr {
        (best[i].weights, best[i].error) = (others[i], error)
      }
    }
    try correct(&best, &assembly, data)
    return best
  }

  /// Gives biases what layers lose on average, where that helps.
  private func correct(
    _ precisions: inout [Precision], _ assembly: inout Assembly, _ data: any CalibrationData
  ) throws(MaasError) {
    progress("correcting biases")
    let weights = precisions.map { $0.weights }
    let probe = try LayerProbe(assembly, assembly.layers, weights, findsMeans: true)
    let means = try probe.means(data, threads: options.threads)
    var layers = assembly.layers
    for (i, mean) in means.enumerated() {
      guard let mean else { continue }
      layers[i].bias = try assembly.graph.corrected(layers[i], mean)
    }
    let errors = try LayerProbe(assembly, layers, weights).measure(data, threads: options.threads)
    for i in precisions.indices where errors[i].judged.sqnr > precisions[i].error.judged.sqnr {
      (precisions[i].bias, precisions[i].error) = (layers[i].bias, errors[i])
    }
  }

  private func nearest(
    _ assembly: Assembly, _ options: QuantizationOptions
  ) throws(MaasError) -> [QuantizedWeights] {
    var weights: [QuantizedWeights] = []
    for (i, layer) in assembly.layers.enumerated() {
      progress("rounding layer \(i + 1) of \(assembly.layers.count)")
      let filters = try Filters(layer)
      weights.append(
        options.mode == .weights
          ? .blocks(try BlockWeights(filters, options))
          : .channels(
            try ChannelWeights(
              filters, isSymmetric: options.mode == .static, threads: options.threads)))
    }
    return weights
  }

  /// Weights rounded one after the other, by how the inputs of layers go together.
  private func sequential(
    _ assembly: Assembly, _ options: QuantizationOptions, _ data: any CalibrationData
  ) throws(MaasError) -> [QuantizedWeights] {
    let layers = assembly.layers
    var widths: [(value: ValueID, width: Int)] = []
    for layer in layers where !widths.contains(where: { $0.value == layer.x }) {
      widths.append((layer.x, layer.rows))
    }
    var weights: [Int: QuantizedWeights] = [:]
    for group in GramMatrices.groups(widths) {
      progress("relating the inputs of layers")
      let sums = try GramMatrices.sums(assembly.graph, group, data, threads: options.threads)
      for (item, sum) in zip(group, sums) {
        let triangle = try Triangle(
          sum.products, size: item.width, rows: sum.rows, threads: options.threads)
        for (i, layer) in layers.enumerated() where layer.x == item.value {
          progress("rounding layer \(i + 1) of \(layers.count) by its inputs")
          weights[i] = .blocks(try BlockWeights(try Filters(layer), triangle, options))
        }
      }
    }
    return layers.indices.compactMap { weights[$0] }
  }

  private func errors(_ assembly: Assembly, _ weights: [QuantizedWeights]) throws(MaasError) -> [LayerError] {
    progress("measuring layers")
    if let data {
      return try LayerProbe(assembly, assembly.layers, weights).measure(data, threads: options.threads)
    }
    return try zip(weights, assembly.layers).map { (weights, layer) throws(MaasError) in
      LayerError(all: try weights.error(layer))
    }
  }

  /// Times the layers, and gives back those that gain nothing where only faster ones are kept.
  private func time(
    _ choices: inout [LayerChoice], _ assembly: Assembly, _ data: any CalibrationData
  ) throws(MaasError) {
    let timer = try LayerTimer(assembly, assembly.layers, data, threads: options.threads)
    for i in choices.indices {
      progress("timing layer \(i + 1) of \(choices.count)")
      for j in choices[i].precisions.indices {
        choices[i].precisions[j].time = try timer.times(
          choices[i].layer, choices[i].precisions[j].weights)
      }
      if options.keepsOnlyFaster { choices[i].keepOnlyFaster() }
    }
  }

  /// Gives layers back until the whole model is faster. Errors may cancel, so that the budget is looked at again.
  private func keepWhatSpeedsUpAll(
    _ choices: inout [LayerChoice], _ assembly: Assembly, _ data: any CalibrationData,
    _ budget: ModelComparison?
  ) throws(MaasError) {
    try choices.giveBack { (choices) throws(MaasError) in
      progress("timing with \(choices.count { $0.chosen != nil }) of \(choices.count) layers quantized")
      let model = try assembly.model(choices)
      guard let times = try latency(model, data), times.after < times.before else {
        return "the whole model was not faster with it"
      }
      if let budget, !budget.isWithinBudget(try budget.error(model)) {
        return "the whole model was over the budget with it"
      }
      report.latency = times
      return nil
    }
  }

  /// Microseconds of a run with the first sample, as the model was and quantized.
  private func latency(_ quantized: Graph, _ data: any CalibrationData) throws(MaasError) -> Times? {
    guard let sample = try data.sample(0) else { return nil }
    let inputs = graph.inputs.compactMap { id in
      sample.first { Name($0.name) == Name(graph[id].name) }?.tensor
    }
    return try race(
      Contestant(graph: graph, inputs: inputs), Contestant(graph: quantized, inputs: inputs),
      threads: options.threads)
  }
}

// Calibration.
extension Quantizer {
  private func calibrated(_ graph: Graph, _ layers: [Layer]) throws(MaasError) -> [ValueID: ClosedRange<
    Float
  >] {
    guard let data else { return [:] }
    let values = ByteFlow(graph, layers: layers).values
    var ranges = values.map { ValueRange(graph[$0].name, options.method) }
    let (count, progress) = (values.count, progress)
    try Observation(graph, values, threads: options.threads).run(data) { (sight) throws(MaasError) in
      progress("calibrating, sample \(sight.index + 1)")
      for j in 0..<count { try ranges[j].add(sight.values[j]) }
    }
    var ends: [ValueID: ClosedRange<Float>] = [:]
    let inputs = Set(layers.map { $0.x })
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
      return QuantizationReport.Layer(
        name: choice.layer.name, type: choice.layer.type, shape: choice.layer.weights.shape,
        bits: shown?.bits ?? 32, sqnr: shown?.error.all.sqnr, time: shown?.time,
        isQuantized: choice.chosen != nil,
        reason: choice.reason)
    }
  }

  private func measure(_ quantized: Graph) throws(MaasError) {
    for refusal in refused {
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
    if report.latency == nil { report.latency = try latency(quantized, data) }
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
