// The Embedded build reads quantized models, but makes none.
#if !hasFeature(Embedded)
  import MaasCore
  import MaasGraph
  import MaasONNX
  public import MaasQuantizer

  public typealias CalibrationData = MaasQuantizer.CalibrationData
  public typealias QuantizationOptions = MaasQuantizer.QuantizationOptions
  public typealias QuantizationReport = MaasQuantizer.QuantizationReport

  extension Model {
    /// Quantizes the ONNX model at `path` and writes the result, an ONNX model again, to `output`: whole, or not at all
    /// when anything is wrong. `progress` hears what is being done.
    ///
    /// `data` are inputs like those that the model will see; without them only weights are looked at, and options that
    /// need more are refused.
    public static func quantize(
      path: String, to output: String, options: QuantizationOptions = QuantizationOptions(),
      data: (any CalibrationData)? = nil, progress: @escaping (String) -> Void = { _ in }
    ) throws(MaasError) -> QuantizationReport {
      do {
        let model = try ONNXModel(path: path)
        var graph = try model.graph(keepsForms: true)
        try graph.inferValues()
        let quantizer = try Quantizer(graph, options, data, progress: progress)
        let (quantized, report) = try quantizer.run()
        try writeModel(quantized, try model.info(), to: output, externalData: false)
        return report
      } catch {
        throw error.inFile(path)
      }
    }
  }
#endif
