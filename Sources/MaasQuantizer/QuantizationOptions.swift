import MaasCore

/// What a model is quantized to, and how much may be lost.
public struct QuantizationOptions: Sendable {
  public enum Mode: String, Sendable, CaseIterable {
    /// Bytes for constant weights; inputs become bytes at each run, by their own range. Needs no data.
    case dynamic
    /// Bytes for weights and for what flows between layers, by ranges that calibration found.
    case `static`
    /// Blocks of 8, 4 or 2 bits for weights; all else stays float.
    case weights
  }

  /// How the range of a value is made of what calibration saw.
  public enum Method: String, Sendable, CaseIterable {
    /// All that was seen.
    case minmax
    /// The range that loses least information (Kullback and Leibler's divergence).
    case entropy
    /// All but the outermost hundred-thousandth.
    case percentile
    /// The range with the least squared error.
    case mse
  }

  public var mode = Mode.dynamic
  /// Bits of a weight: 8, and with `weights` also 4 or 2.
  public var bits = 8
  /// With `weights`: how many weights of a column share a scale; 16, 32, 64 or 128.
  public var block = 32
  /// With `weights`: no zero points.
  public var isSymmetric = false
  public var method = Method.minmax
  /// Names of nodes that stay as they are.
  public var excluded: [String] = []
  /// The largest error of the outputs on the calibration data, as a part of their root mean square; where there are
  /// `labels`, the largest loss of accuracy instead, as a part of all samples.
  public var errorBudget: Double?
  /// The least ratio of signal to error of the outputs, in decibels.
  public var sqnr: Double?
  /// The right class of every sample.
  public var labels: [Int]?
  /// Whether a layer, and the model with all layers that are quantized, must be faster here than it was.
  public var keepsOnlyFaster = false
  /// Threads of runs; 0 for every CPU the process may use.
  public var threads = 0

  public init() {}

  /// Whether the options ask for something that only data can tell.
  package var needsCalibration: Bool {
    mode == .static || errorBudget != nil || sqnr != nil || labels != nil || keepsOnlyFaster
  }

  /// Refuses what no model can be quantized to.
  package func check() throws(MaasError) {
    let widths = mode == .weights ? [8, 4, 2] : [8]
    guard widths.contains(bits) else {
      throw refusal("\(mode.rawValue) quantization has no weights of \(bits) bits", choice(widths))
    }
    guard mode != .weights || Self.blocks.contains(block) else {
      throw refusal("weights have no blocks of \(block)", choice(Self.blocks))
    }
    if let errorBudget, !(errorBudget > 0 && errorBudget < 1) {
      throw refusal(
        "the error budget is no part of a whole", "more than 0 % and less than 100 %",
        "\(decimal(100 * errorBudget, 1)) %")
    }
    if let sqnr, !(sqnr > 0 && sqnr < 200) {
      throw refusal(
        "the SQNR asked for is no possible one", "more than 0 dB and less than 200 dB",
        "\(decimal(sqnr, 1)) dB")
    }
  }

  private static let blocks = [16, 32, 64, 128]

  private func choice(_ numbers: [Int]) -> String { joined(numbers.map { "\($0)" }, " or ") }

  private func refusal(_ problem: String, _ expected: String, _ found: String? = nil) -> MaasError {
    MaasError(.invalidArgument, problem, expected: expected, found: found)
  }
}
