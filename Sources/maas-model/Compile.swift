import ArgumentParser
import Maas
import MaasCommand
import MaasCore

struct Compile: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract:
      "Optimizes a model and packs its weights for this CPU, into a file that opens within milliseconds.",
    discussion: """
      The file is opened like an ONNX model, by mapping it; processes share its pages. It holds the weights twice, as \
      they are and as the kernels want them, and runs for all shapes. On other CPUs, and with another maas whose \
      kernels want other weights, it is refused: it is no way to hand on a model.
      """)

  @Option(
    help: ArgumentHelp(
      "The size of a symbolic dimension that the weights are packed for (1 without it); may be repeated.",
      valueName: "dimension=size"),
    transform: DimensionArgument.init(parsing:))
  var shape: [DimensionArgument] = []

  @Argument(help: ArgumentHelp("The model to compile.", valueName: "model.onnx"))
  var model: String

  @Argument(help: ArgumentHelp("The file to write.", valueName: "model.maas"))
  var output: String

  func validate() throws { try DimensionArgument.check(shape) }

  func run() throws {
    let sizes = Dictionary(shape.map { ($0.name, $0.size) }) { first, _ in first }
    let symbols = try InspectedModel(path: model).symbols
    for argument in shape where !symbols.contains(argument.name) {
      throw DimensionArgument.unknown(argument.name, symbols)
    }
    let made = try Model.compile(path: model, to: output, named: sizes)
    try printLine(
      "\(output): \(made.fileBytes) bytes for \(made.family): weights \(made.weightBytes), packed \(made.packedBytes)"
    )
  }
}
