import ArgumentParser
import MaasCommand
import MaasCore
import MaasGraph
import MaasONNX
import MaasOptimizer

struct Optimize: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Writes a model as maas's optimizer leaves it.",
    discussion: """
      The result is an ONNX model that any runtime reads: what was folded into weights is folded; what maas fuses in \
      ways for which ONNX has no operator stands as the nodes it came from. Functions are written where they are called.
      """)

  @Option(help: "basic keeps every bit of the results; all may change rounding.")
  var level = Level.all

  @Flag(
    help:
      "Print which rules fired, their time, and for each step of the plan the kernel and why. Symbols need --shape."
  )
  var explain = false

  @Option(
    help: ArgumentHelp(
      "The size of a symbolic dimension in what --explain prints; may be repeated.",
      valueName: "dimension=size"),
    transform: DimensionArgument.init(parsing:))
  var shape: [DimensionArgument] = []

  @Option(help: "How many threads --explain plans for; 0 for every CPU this process may use.")
  var threads = 0

  @Flag(help: "Put large weights into a file of their own, out.onnx.data.")
  var externalData = false

  @Argument(help: ArgumentHelp("The model to optimize.", valueName: "in.onnx"))
  var model: String

  @Argument(help: ArgumentHelp("The file to write.", valueName: "out.onnx"))
  var output: String

  enum Level: String, ExpressibleByArgument, CaseIterable {
    case basic, all

    var rules: OptimizationLevel { self == .basic ? .basic : .all }
  }

  func validate() throws {
    try DimensionArgument.check(shape)
    if !explain, !shape.isEmpty { throw ValidationError("--shape is for --explain") }
    if threads < 0 { throw ValidationError("--threads takes 0 or more, not \(threads)") }
  }

  func run() throws {
    let optimized = try OptimizedModel(path: model, level: level.rules)
    try writeModel(optimized.graph, optimized.info, to: output, externalData: externalData)
    guard explain else { return }
    let explanation = try Explanation(optimized, try sizes(of: optimized.graph), threads: threads)
    try Terminal.print(explanation.text)
  }

  /// Refuses names that no input has.
  private func sizes(of graph: Graph) throws(MaasError) -> [Name: Int] {
    let symbols = graph.inputSymbols
    var sizes: [Name: Int] = [:]
    for argument in shape {
      guard symbols.contains(argument.name) else { throw DimensionArgument.unknown(argument.name, symbols) }
      sizes[argument.name] = argument.size
    }
    let open = symbols.filter { sizes[$0] == nil }
    if open.isEmpty { return sizes }
    throw MaasError(
      .invalidArgument, "a plan needs a size for every dimension of the inputs",
      hint: "give " + joined(open.map { "--shape '\($0.text)=…'" }, " "))
  }
}
