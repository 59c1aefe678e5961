import MaasCore
import MaasRuntime

extension QuantizationReport {
  /// As JSON; what was not measured is null.
  public var json: String {
    let lines = layers.map { "    \($0.json)" }
    return """
      {
        "mode": "\(mode.rawValue)",
        "layers": [
      \(joined(lines, ",\n"))
        ],
        "quantized_layers": \(quantizedLayers),
        "weight_bytes_before": \(bytes.before),
        "weight_bytes_after": \(bytes.after),
        "samples": \(samples),
        "error": \(number(error, 8)),
        "sqnr_db": \(number(sqnr, 3)),
        "accuracy_before": \(number(accuracy?.before, 6)),
        "accuracy_after": \(number(accuracy?.after, 6)),
        "latency_us_before": \(number(latency?.before, 2)),
        "latency_us_after": \(number(latency?.after, 2))
      }

      """
  }
}

extension QuantizationReport.Layer {
  fileprivate var json: String {
    "{\"name\": \(quoted(name)), \"op\": \(quoted(type)), \"shape\": [\(joined(shape.map { "\($0)" }, ", "))], "
      + "\"bits\": \(isQuantized ? bits : 32), \"sqnr_db\": \(number(sqnr, 3)), "
      + "\"us_before\": \(number(time?.before, 2)), \"us_after\": \(number(time?.after, 2)), "
      + "\"quantized\": \(isQuantized ? "true" : "false"), \"reason\": \(quoted(reason))}"
  }
}

/// JSON has no infinity: what loses nothing has no ratio.
private func number(_ value: Double?, _ places: Int) -> String {
  guard let value, value.isFinite else { return "null" }
  return decimal(value, places)
}
