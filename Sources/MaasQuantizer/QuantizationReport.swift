import MaasCore

/// What became of a model, layer by layer.
public struct QuantizationReport: Sendable {
  public struct Layer: Sendable {
    public let name: String
    /// ONNX's op_type.
    public let type: String
    /// Of the weights; empty for a node that is no layer.
    public let shape: [Int]
    public internal(set) var bits: Int
    /// What the layer loses when it alone is quantized, in decibels, of its output on the calibration data; of its
    /// weights where there are none.
    public internal(set) var sqnr: Double?
    /// Microseconds before and after with the first sample; nil without data, and for a layer whose bias is computed.
    public internal(set) var time: (before: Double, after: Double)?
    public internal(set) var isQuantized: Bool
    /// Why it is, or is not.
    public internal(set) var reason: String
  }

  public internal(set) var mode = QuantizationOptions.Mode.dynamic
  public internal(set) var layers: [Layer] = []
  /// Of the weights, before and after.
  public internal(set) var bytes: (before: Int, after: Int) = (0, 0)
  public internal(set) var samples = 0
  /// Of the output that suffers most: its error's root mean square as a part of its own, and in decibels.
  public internal(set) var error: Double?
  public internal(set) var sqnr: Double?
  /// Parts of the samples that are classified rightly.
  public internal(set) var accuracy: (before: Double, after: Double)?
  /// Microseconds of a run with the first sample.
  public internal(set) var latency: (before: Double, after: Double)?

  public var quantizedLayers: Int { layers.count { $0.isQuantized } }
}
