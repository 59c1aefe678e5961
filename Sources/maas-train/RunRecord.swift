import CMaas
import Maas
import MaasCommand
import MaasCore
import MaasData
import MaasTrainer

/// What is needed to do a training again.
struct RunRecord {
  let arguments: [String]
  let options: TrainerOptions
  /// Nil where training goes on with `initial`.
  let network: String?
  let initial: InitialModel?
  let preprocessing: PreprocessingOptions
  /// Which samples are learned from, and what of them.
  let samples: String
  let sources: [(path: String, samples: Int, checksum: UInt64)]

  /// What a checkpoint must be of.
  var identity: [(name: String, value: String)] {
    var rows = sources.map { (name: "data", value: "\(hexadecimal($0.checksum)) \($0.samples) samples") }
    if let network { rows.append(("network", network)) }
    if let initial { rows.append(("--init", "a model of checksum \(hexadecimal(initial.checksum))")) }
    rows += preprocessing.choices
    rows += [("seed", "\(options.seed)"), ("samples", samples), ("epochs", "\(options.epochs)")]
    return rows
  }

  func text(_ report: TrainingReport) -> String {
    let data = sources.map { source in
      JSON.object([
        ("path", .string(source.path)), ("samples", .int(source.samples)),
        ("checksum", .string(hexadecimal(source.checksum))),
      ])
    }
    let lines = options.text.split(separator: "\n").map { line -> (String, JSON) in
      let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
      return (parts[0], .string(parts.count > 1 ? parts[1] : ""))
    }
    let results = report.parts.map { part in
      (
        part.name,
        JSON.object([("samples", .int(part.samples))] + part.figures.map { ($0.name, .real($0.value)) })
      )
    }
    let beginning = initial.map { initial in
      JSON.object([("path", .string(initial.path)), ("checksum", .string(hexadecimal(initial.checksum)))])
    }
    return JSON.object([
      ("program", .string("maas-train \(MAAS_VERSION)")),
      ("arguments", .array(arguments.map { .string($0) })), ("data", .array(data)),
      ("seed", .int(Int(options.seed))), ("options", .object(lines)),
      ("network", .array((network ?? "").split(separator: "\n").map { .string(String($0)) })),
      ("init", beginning ?? .null),
      ("decisions", .object(report.decisions.map { ($0.name, .string($0.value)) })),
      ("epochs", .int(report.epochs.count)), ("best_epoch", report.best.map { .int($0 + 1) } ?? .null),
      ("refitted", .bool(report.isRefitted)),
      ("epoch_seconds", .array(report.epochs.map { .real($0.seconds) })),
      ("results", .object(results)), ("files", .object(report.files.map { ($0.name, .string($0.value)) })),
    ]).lines + "\n"
  }
}

func hexadecimal(_ value: UInt64) -> String {
  let digits = String(value, radix: 16)
  return String(repeating: "0", count: 16 - digits.count) + digits
}
