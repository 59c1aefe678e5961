import ArgumentParser
import Maas
import MaasCommand
import MaasCore
import MaasNumPy

struct Quantize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes a model smaller and faster with weights of 8, 4 or 2 bits, and says what that costs.",
    discussion: """
      Three ways, all written as ONNX that other runtimes read too:

      dynamic: weights are bytes, inputs of layers become bytes by the range they have at each run. Needs no data.
      static: what flows between layers is bytes as well, by ranges that --calibrate data show. Fastest.
      weights: blocks of 8, 4 or 2 bits for weights alone (com.microsoft's MatMulNBits). Smallest; for models that \
      wait for memory.

      A report with a line for each layer goes to standard output. With --error-budget, --sqnr or --accuracy layers \
      are given back to float, the worst first, until the outputs are good enough; with --keep-only-if-faster also \
      those that gain nothing on this machine.

      Calibration data are read as they are needed: a .npz with an array for each input, whose first axis counts \
      samples; a .npy of that kind, for a model with one input; or a folder with a .npz or .npy for each sample.

      Examples:
        maas-model quantize in.onnx out.onnx
        maas-model quantize in.onnx out.onnx --mode static --calibrate samples.npz --error-budget 1%
        maas-model quantize in.onnx out.onnx --mode weights --bits 4 --block 32 --report report.html
      """)

  @Option(help: "What becomes of the model.")
  var mode = QuantizationOptions.Mode.dynamic

  @Option(help: "Bits of a weight: 8, and with --mode weights also 4 or 2.")
  var bits = 8

  @Option(help: "With --mode weights: how many weights share a scale (16, 32, 64 or 128).")
  var block = 32

  @Flag(help: "With --mode weights: no zero points; a little smaller, less exact.")
  var symmetric = false

  @Option(
    help: ArgumentHelp(
      "Inputs like those the model will see; may be repeated.", valueName: "data.npz|data.npy|folder"))
  var calibrate: [String] = []

  @Option(help: "How a range is made of what was seen.")
  var method = QuantizationOptions.Method.minmax

  @Option(help: ArgumentHelp("A node that stays as it is; may be repeated.", valueName: "node"))
  var exclude: [String] = []

  @Option(
    help: ArgumentHelp(
      """
      The most the outputs may be off on the calibration data: the error's root mean square as a part of theirs, e.g. \
      0.5%; with --accuracy, the most accuracy that may be lost.
      """,
      valueName: "part"),
    transform: Quantize.part)
  var errorBudget: Double?

  @Option(help: ArgumentHelp("The least ratio of signal to error of the outputs.", valueName: "dB"))
  var sqnr: Double?

  @Option(
    help: ArgumentHelp(
      "The right class of each sample, as integers: accuracy before and after is reported.",
      valueName: "labels.npy"))
  var accuracy: String?

  @Flag(help: "Quantize only layers that are then faster on this machine, alone and as a whole.")
  var keepOnlyIfFaster = false

  @Option(
    help: ArgumentHelp(
      "Also write the report to a file: a page, JSON or text by its ending.",
      valueName: "report.html|.json|.txt"))
  var report: String?

  @Option(help: "Most threads of a run; 0 for every CPU this process may use.")
  var threads = 0

  @Argument(help: ArgumentHelp("The model to quantize.", valueName: "in.onnx"))
  var model: String

  @Argument(help: ArgumentHelp("The file to write.", valueName: "out.onnx"))
  var output: String

  func validate() throws {
    if threads < 0 { throw ValidationError("--threads takes 0 or more, not \(threads)") }
    if calibrate.isEmpty, options(labels: nil).needsCalibration || accuracy != nil {
      throw ValidationError("--mode static, budgets, --accuracy and --keep-only-if-faster need --calibrate")
    }
    if let report, ReportFormat(path: report) == nil {
      throw ValidationError("--report takes a file that ends in .html, .json or .txt, not '\(report)'")
    }
    do {
      try options(labels: nil).check()
    } catch {
      throw ValidationError(error.message)
    }
  }

  func run() throws {
    if let report { try ReportFormat.checkFolder(of: report) }
    let data = calibrate.isEmpty ? nil : try SampleFiles(calibrate, try Model(path: model).inputs)
    let options = options(labels: try accuracy.map(labels))
    defer { Terminal.progress("") }
    let made = try Model.quantize(
      path: model, to: output, options: options, data: data, progress: { Terminal.progress($0) })
    Terminal.progress("")
    if let report { try ReportFormat(path: report)?.write(made, to: report) }
    try Terminal.print(made.text)
  }

  private func options(labels: [Int]?) -> QuantizationOptions {
    var options = QuantizationOptions()
    (options.mode, options.bits, options.block, options.isSymmetric) = (mode, bits, block, symmetric)
    (options.method, options.excluded, options.threads) = (method, exclude, threads)
    (options.errorBudget, options.sqnr, options.labels) = (errorBudget, sqnr, labels)
    options.keepsOnlyFaster = keepOnlyIfFaster
    return options
  }

  private func labels(_ path: String) throws(MaasError) -> [Int] {
    let tensor = try Npy.read(path)
    if let labels = tensor.integers { return labels }
    throw MaasError(
      .typeMismatch, "labels are whole numbers", expected: "an integer array", found: tensor.dtype.name
    ).inFile(path)
  }

  /// `0.5%` or `0.005`
  private static func part(_ text: String) throws -> Double {
    let isPercent = text.hasSuffix("%")
    guard let value = Double(isPercent ? String(text.dropLast()) : text) else {
      throw ValidationError("it must be a number like 0.5% or 0.005")
    }
    return isPercent ? value / 100 : value
  }
}

extension QuantizationOptions.Mode: ExpressibleByArgument {}
extension QuantizationOptions.Method: ExpressibleByArgument {}
