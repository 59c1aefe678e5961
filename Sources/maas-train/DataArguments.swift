import ArgumentParser
import MaasCore
import MaasData

/// What the data are, and what stays aside.
struct DataArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The column to learn (the last one without it); of a .npz the array; without a header a number from 1.",
      valueName: "column"))
  var target: String?

  @Option(help: "What to learn: classes or numbers; inferred from the target.")
  var task: Task?

  @Option(help: ArgumentHelp("A column of numbers; may be repeated, as the next three.", valueName: "column"))
  var numeric: [String] = []

  @Option(help: ArgumentHelp("A column of categories.", valueName: "column"))
  var categorical: [String] = []

  @Option(help: ArgumentHelp("A column of texts.", valueName: "column"))
  var text: [String] = []

  @Option(help: ArgumentHelp("A column to leave out.", valueName: "column"))
  var ignore: [String] = []

  @Option(
    help: ArgumentHelp(
      "What else stands for a value that is not known, beside nothing, NA, NaN, null and ?.",
      valueName: "text"))
  var missing: [String] = []

  @Option(
    help: ArgumentHelp(
      "What is between the fields of a table: one character, or tab; found without it.",
      valueName: "character"),
    transform: DataArguments.delimiter)
  var delimiter: UInt8?

  @Option(
    help: "Whether the first line names the columns; auto: it does unless a field is a number or empty.")
  var header = DelimitedFile.Header.auto

  @Option(
    help: ArgumentHelp(
      "Samples that decide when to stop: a part, or a file or folder.", valueName: "part|path"),
    transform: HeldOut.init(parsing:))
  var validation = HeldOut.part(0.15)

  @Option(
    help: ArgumentHelp("Samples that only judge the finished model.", valueName: "part|path"),
    transform: HeldOut.init(parsing:))
  var test = HeldOut.part(0.15)

  @Flag(help: "Repeat samples of rare classes until all are equally frequent.")
  var balance = false

  @Option(
    help: ArgumentHelp(
      "Most memory for features; of more data they are computed anew for each batch, with the same result.",
      valueName: "MB"))
  var memory = 2048

  @Option(
    help: ArgumentHelp(
      "Change pictures a little whenever they are learned: flip, shift, rotate, or several with commas.",
      valueName: "changes"),
    transform: Augmentation.init(parsing:))
  var augment = Augmentation()

  /// All of these in one line, by which two trainings are told apart.
  var choices: String {
    let lists = [numeric, categorical, text, ignore, missing].map { joined($0, ",") }
    return "target \(target ?? "last") task \(task.map { "\($0)" } ?? "any") columns \(joined(lists, ";"))"
      + " validation \(validation) test \(test)\(balance ? " balanced" : "") augment \(augment)"
  }

  var tableOptions: TableOptions {
    var options = TableOptions()
    (options.delimiter, options.header, options.target, options.task) = (delimiter, header, target, task)
    options.missing = missing
    let kinds: [(ColumnKind, [String])] = [
      (.number, numeric), (.category, categorical), (.text, text), (.ignored, ignore),
    ]
    for (kind, names) in kinds { for name in names { options.kinds[name] = kind } }
    return options
  }

  func validate() throws {
    let named = numeric + categorical + text + ignore
    if let twice = named.first(where: { name in named.count { $0 == name } > 1 }) {
      throw ValidationError("column '\(twice)' is said to be two things")
    }
    if !(0...1 << 24 ~= memory) {
      throw ValidationError("--memory takes megabytes from 0 to \(1 << 24), not \(memory)")
    }
    if validation.fraction + test.fraction >= 1 {
      throw ValidationError("--validation and --test leave nothing to learn from")
    }
  }

  private static func delimiter(_ text: String) throws -> UInt8 {
    let bytes = Array((text == "tab" || text == "\\t" ? "\t" : text).utf8)
    guard bytes.count == 1, ![10, 13, 34].contains(bytes[0]) else {
      throw ValidationError("it must be one character, or tab")
    }
    return bytes[0]
  }
}

/// A part of the samples, or samples elsewhere.
enum HeldOut {
  case part(Double)
  case path(String)

  init(parsing text: String) throws {
    let isPercent = text.hasSuffix("%")
    guard let number = Double(isPercent ? String(text.dropLast()) : text) else {
      self = .path(text)
      return
    }
    let part = isPercent ? number / 100 : number
    guard part >= 0, part < 1 else {
      throw ValidationError("a part is at least 0 and below 1, such as 0.2 or 20%")
    }
    self = .part(part)
  }

  var fraction: Double { if case .part(let part) = self { part } else { 0 } }
  var path: String? { if case .path(let path) = self { path } else { nil } }
}

extension HeldOut: CustomStringConvertible {
  var description: String {
    switch self {
    case .part(let part): "\(part)"
    case .path(let path): path
    }
  }
}

extension Augmentation {
  init(parsing text: String) throws {
    self.init()
    for word in text.split(separator: ",") {
      switch word {
      case "flip": flips = true
      case "shift": shift = 0.1
      case "rotate": rotation = 10
      default: throw ValidationError("changes are flip, shift and rotate, not '\(word)'")
      }
    }
  }
}

extension Augmentation: CustomStringConvertible {
  public var description: String {
    let words = (flips ? ["flip"] : []) + (shift > 0 ? ["shift"] : []) + (rotation > 0 ? ["rotate"] : [])
    return words.isEmpty ? "none" : words.joined(separator: ",")
  }
}

extension Task: ExpressibleByArgument {}
extension DelimitedFile.Header: ExpressibleByArgument {}
