import MaasCommand
import MaasCore

/// What became of a training, to be read.
struct TrainingReport {
  struct Epoch {
    let number: Int
    let loss: Double
    let validation: Double?
    let rate: Double
    /// That its steps took.
    let seconds: Double
  }

  /// How good the model is on some samples.
  struct Part {
    let name: String
    let samples: Int
    let figures: [(name: String, value: Double)]
  }

  var title = ""
  /// What was decided, and why.
  var decisions: [(name: String, value: String)] = []
  var epochs: [Epoch] = []
  /// Of the epoch whose parameters the model has.
  var best: Int?
  /// Whether the model was trained again for so many epochs, with the validation samples.
  var isRefitted = false
  var parts: [Part] = []
  var classNames: [String] = []
  /// How often samples of a class (row) were taken for another (column).
  var confusion: [[Int]] = []
  /// Some true and predicted numbers.
  var pairs: [(truth: Double, predicted: Double)] = []
  /// Which samples the last two are of.
  var judged = ""
  /// What was written.
  var files: [(name: String, value: String)] = []
}

/// At most `digits` behind the point, without trailing zeros; large and small ones as they are.
func figure(_ value: Double, digits: Int = 4) -> String {
  guard value.isFinite, value.magnitude < 1e9 else { return "\(value)" }
  if value != 0, value.magnitude < 1e-3 {
    let text = "\(Float(value))"
    return text
  }
  var scale = 1.0
  for _ in 0..<digits { scale *= 10 }
  let rounded = (value * scale).rounded() / scale
  let text = "\(rounded)"
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}

// Text.
extension TrainingReport {
  var text: String { decisionText + resultText }

  /// What is printed before training.
  var decisionText: String { joined(aligned(decisions), "\n") + "\n\n" }

  /// And after it.
  var resultText: String {
    var lines = ["epochs \(epochs.count)" + (best.map { bestText($0 + 1) } ?? "")]
    for part in parts {
      let figures = part.figures.map { "\($0.name) \(figure($0.value))" }
      lines.append("\(part.name) (\(part.samples)): " + joined(figures, ", "))
    }
    if !confusion.isEmpty, classNames.count <= 20 {
      lines += ["", "classes of the \(judged) samples (down) and what they were taken for:"] + matrix
    }
    if !files.isEmpty { lines += [""] + aligned(files) }
    return joined(lines, "\n") + "\n"
  }

  private func bestText(_ epoch: Int) -> String {
    isRefitted
      ? ", the best was \(epoch): the model is trained again for so many, with the validation samples"
      : ", the model is of epoch \(epoch)"
  }

  private func aligned(_ rows: [(name: String, value: String)]) -> [String] {
    let width = rows.map { $0.name.count }.max() ?? 0
    return rows.map {
      Terminal.printable($0.name) + spaces(width - $0.name.count + 2) + Terminal.printable($0.value)
    }
  }

  private var matrix: [String] {
    let names = classNames.map { Terminal.printable($0) }
    let width = 2 + max(names.map { $0.count }.max() ?? 0, 4)
    let head = spaces(width) + joined(names.map { spaces(width - $0.count) + $0 }, "")
    return [head]
      + zip(names, confusion).map { name, row in
        name + spaces(width - name.count) + joined(row.map { spaces(width - "\($0)".count) + "\($0)" }, "")
      }
  }

  private func spaces(_ count: Int) -> String { String(repeating: " ", count: max(0, count)) }
}

// JSON.
extension TrainingReport {
  var json: String {
    JSON.object([
      ("title", .string(title)), ("decisions", .object(decisions.map { ($0.name, .string($0.value)) })),
      ("best_epoch", best.map { .int($0 + 1) } ?? .null), ("refitted", .bool(isRefitted)),
      (
        "results",
        .object(
          parts.map { part in
            (
              part.name,
              .object([("samples", .int(part.samples))] + part.figures.map { ($0.name, .real($0.value)) })
            )
          })
      ),
      ("classes", .array(classNames.map { .string($0) })),
      ("confusion", .array(confusion.map { .array($0.map { .int($0) }) })),
      ("files", .object(files.map { ($0.name, .string($0.value)) })),
      (
        "epochs",
        .array(
          epochs.map { epoch in
            .object([
              ("epoch", .int(epoch.number + 1)), ("loss", .real(epoch.loss)),
              ("validation_loss", epoch.validation.map { .real($0) } ?? .null),
              ("learning_rate", .real(epoch.rate)),
            ])
          })
      ),
    ]).lines + "\n"
  }
}

/// How a report is written, by the ending of its file.
enum ReportFormat: String {
  case html, json, txt

  init?(path: String) {
    guard let dot = path.lastIndex(of: ".") else { return nil }
    self.init(rawValue: String(path[path.index(after: dot)...]))
  }

  func write(_ report: TrainingReport, to path: String) throws(MaasError) {
    switch self {
    case .html: try writeText(report.page, to: path)
    case .json: try writeText(report.json, to: path)
    case .txt: try writeText(report.text, to: path)
    }
  }
}
