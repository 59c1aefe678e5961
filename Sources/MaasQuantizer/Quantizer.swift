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
    var assembly = Assembly(
      graph: graph, layers: found.layers, weights: [], ranges: ranges, opset: graph.opset ?? 13)
    assembly.weights = try rounded()
    try describe(assembly)
    let kept = try chosen(assembly)
    progress("writing")
    let graph = try assembly.model(kept)
    report.bytes.after = graph.weightBytes
    try measure(graph)
    return (graph, report)
  }

  private func rounded() throws(MaasError) -> [QuantizedWeights] {
    var weights: [QuantizedWeights] = []
    for (i, layer) in found.layers.enumerated() {
      progress("rounding layer \(i + 1) of \(found.layers.count)")
      let filters = try Filters(layer)
      weights.append(
        options.mode == .weights
          ? .blocks(try BlockWeights(filters, options)) : .channels(try ChannelWeights(filters)))
    }
    return weights
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
  private func describe(_ assembly: Assembly) throws(MaasError) {
    let errors = try layerErrors(assembly)
    let bits = options.bits
    report.layers = zip(found.layers, errors).map { layer, error in
      QuantizationReport.Layer(
        name: layer.name, type: layer.type, shape: layer.weights.shape, bits: bits, sqnr: error.sqnr,
        time: nil,
        isQuantized: true, reason: "")
    }
  }

  private func layerErrors(_ assembly: Assembly) throws(MaasError) -> [SignalError] {
    progress("measuring layers")
    if let data { return try LayerProbe(assembly).measure(data, threads: options.threads) }
    return try zip(assembly.weights, found.layers).map { (weights, layer) throws(MaasError) in
      try weights.error(layer)
    }
  }

  /// Which layers are quantized.
  private func chosen(_ assembly: Assembly) throws(MaasError) -> [Bool] {
    report.layers.map { $0.isQuantized }
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
