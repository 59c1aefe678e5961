import MaasCore

extension QuantizationReport {
  /// A table with a line for each layer, and the totals.
  public var text: String {
    var rows = [["layer", "operator", "weights", "bits", "SQNR dB", "before µs", "after µs", "kept", "why"]]
    for layer in layers { rows.append(layer.cells) }
    return table(rows) + totalLines.map { "\($0.name): \($0.value)\n" }.reduce("", +)
  }

  /// What holds for the whole model.
  package var totalLines: [(name: String, value: String)] {
    var lines = [
      ("layers", "\(quantizedLayers) of \(layers.count) quantized (\(mode.rawValue))"),
      ("weights", "\(bytes.before) bytes before, \(bytes.after) after (\(share) %)"),
    ]
    if let latency {
      lines.append(
        ("latency", "\(decimal(latency.before, 1)) µs before, \(decimal(latency.after, 1)) µs after"))
    }
    if let error, let sqnr {
      lines.append(
        (
          "error of the outputs",
          "\(decimal(error * 100, 3)) %, SQNR \(decimal(sqnr, 1)) dB, on \(samples) samples"
        ))
    }
    if let accuracy {
      lines.append(
        (
          "accuracy",
          "\(decimal(accuracy.before * 100, 2)) % before, \(decimal(accuracy.after * 100, 2)) % after"
        ))
    }
    return lines
  }

  private var share: String {
    bytes.before == 0 ? "100.0" : decimal(100 * Double(bytes.after) / Double(bytes.before), 1)
  }

  /// Left-aligned columns; the last one as wide as it is.
  private func table(_ rows: [[String]]) -> String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    var text = ""
    for row in rows {
      for (i, cell) in row.enumerated() {
        let gap = i == row.count - 1 ? 0 : widths[i] - cell.count + 2
        text += cell + String(repeating: " ", count: gap)
      }
      text += "\n"
    }
    return text
  }
}

extension QuantizationReport.Layer {
  fileprivate var cells: [String] {
    let number = { (value: Double?) in value.map { decimal($0, 1) } ?? "-" }
    return [
      name, type, joined(shape.map { "\($0)" }, "x"), isQuantized ? "\(bits)" : "32", number(sqnr),
      number(time?.before), number(time?.after), isQuantized ? "yes" : "no", reason,
    ]
  }
}
