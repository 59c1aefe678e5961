import ArgumentParser
import CMaas
import MaasCommand
import MaasCore

/// The command line of maas-run.
struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "maas-run",
    abstract: "Runs an ONNX model on NumPy arrays.",
    usage: "maas-run <model> [<inputs> ...] [<options>]",
    discussion: """
      Each output is printed: its name, element type and shape, then its values, of which the middle ones are left out \
      when there are more than 1000.

      EXAMPLES
        maas-run model.onnx image.npy              one input
        maas-run model.onnx ids.npy mask.npy       several, in the model's order
        maas-run model.onnx mask=m.npy ids=i.npy   several, by name
        maas-run model.onnx inputs.npz             several in one file, by name
        maas-run model.onnx image.npy --top 5      the five best classes
        maas-run model.onnx image.npy -o out.npz   outputs into a file
        maas-run a.onnx x.npy -o - | maas-run b.onnx -
        maas-run model.onnx --inputs               what it takes and gives
        maas-run model.onnx --random --shape batch=8 --bench
        maas-run model.onnx image.npy --profile trace.json
      """,
    version: "maas-run \(MAAS_VERSION)")

  @Argument(help: "The model, an ONNX file or one that maas-model compiled.")
  var model: String

  @Argument(
    help: ArgumentHelp(
      "Arrays for the model's inputs: file.npy, name=file.npy, file.npz, or - for standard input.",
      discussion: "Files without a name go to the inputs that no other argument names, in the model's order.")
  )
  var inputs: [String] = []

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Write the outputs to a .npy file (a model with one output), a .npz file, or standard output (-).",
      discussion: "A file is written whole or not at all. With - nothing else is printed.", valueName: "file")
  )
  var output: String?

  @Option(
    help: ArgumentHelp(
      "Print only the K largest values of each row of floating-point outputs.", valueName: "K"))
  var top: Int?

  @Option(
    name: .customLong("shape"),
    help: ArgumentHelp("Give a symbolic dimension a value, such as batch=4.", valueName: "dim=size"),
    transform: DimensionArgument.init(parsing:))
  var dimensions: [DimensionArgument] = []

  @Option(
    help: ArgumentHelp(
      "Make up inputs that are not given: normally distributed numbers, integers from 0 to 9.",
      discussion: "Equal seeds give equal inputs; without one it is 0.", valueName: "seed"))
  var random: UInt64?

  @Option(help: "The most threads to use; 0 for every CPU this process may use.")
  var threads = 0

  @Option(
    name: .customLong("repeat"),
    help: ArgumentHelp(
      "Run once, then N times more, and report latency and throughput of those.", valueName: "N"))
  var repetitions: Int?

  @Flag(help: "Like --repeat for at least a second and 10 runs; outputs are not printed.")
  var bench = false

  @Option(
    help: ArgumentHelp(
      "Write the time of every step to a file in Chrome's trace format.",
      discussion: "Open it with chrome://tracing or ui.perfetto.dev.", valueName: "trace.json"))
  var profile: String?

  @Flag(
    help:
      "Compile a model.maas that is missing, damaged, or for another CPU anew from the model.onnx beside it.")
  var rebuild = false

  @Flag(name: .customLong("inputs"), help: "List the model's inputs and outputs, and stop.")
  var listsInputs = false

  @Flag(name: .shortAndLong, help: "Do not print outputs.")
  var quiet = false

  /// A seed is a number: what follows `--random` otherwise is an argument of its own.
  static func withExplicitSeed(_ arguments: [String]) -> [String] {
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    return arguments.indices.map { i in
      let isAlone = arguments[i] == "--random" && i < end
      return isAlone && arguments[at: i + 1].flatMap({ UInt64($0) }) == nil ? "--random=0" : arguments[i]
    }
  }

  func validate() throws {
    try DimensionArgument.check(dimensions)
    if let top, top < 1 { throw ValidationError("--top needs a positive number, not \(top)") }
    if let repetitions, repetitions < 1 {
      throw ValidationError("--repeat needs a positive number, not \(repetitions)")
    }
    if !(0...Int(MAAS_MAXIMUM_THREADS)).contains(threads) {
      throw ValidationError("--threads takes 0 to \(MAAS_MAXIMUM_THREADS), not \(threads)")
    }
    if let output { try Destination.check(output) }
  }
}
