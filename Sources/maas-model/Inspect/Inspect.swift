import ArgumentParser
import MaasCommand
import MaasCore

struct Inspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tells what is in a model: inputs, operators, shapes, memory, arithmetic.",
    discussion: """
      Shapes are what maas infers from the inputs alone, with the inputs' symbols in them; ?1, ?2, … are dimensions \
      that only data decides. Multiply-accumulates are those of convolutions, matrix products, attention and \
      recurrent layers; of everything else the elements are counted. With a number for every dimension, the memory \
      of a run is what the planner says.
      """)

  @Option(
    help: ArgumentHelp("The size of a symbolic dimension; may be repeated.", valueName: "dimension=size"),
    transform: DimensionArgument.init(parsing:))
  var shape: [DimensionArgument] = []

  @Flag(help: "List every value that a node makes.")
  var values = false

  @Flag(help: "Print JSON, with every node and value.")
  var json = false

  @Option(help: ArgumentHelp("Draw the graph into an SVG file.", valueName: "file.svg"))
  var svg: String?

  @Option(
    help: ArgumentHelp(
      "Make a page to look around in the graph; it needs no network.", valueName: "file.html"))
  var html: String?

  @Argument(help: ArgumentHelp("The model to look into.", valueName: "model.onnx"))
  var model: String

  func validate() throws { try DimensionArgument.check(shape) }

  func run() throws {
    let report = try Report(InspectedModel(path: model, sizes: shape))
    try draw(report)
    try Terminal.print(json ? report.json.lines + "\n" : report.text(values: values))
  }

  private func draw(_ report: Report) throws(MaasError) {
    if svg == nil, html == nil { return }
    let drawing = Drawing(Diagram(report.model))
    let name = report.model.info.graphName
    let title = "\(model)\(name.isEmpty ? "" : ": \(name)")"
    if let svg { try writeText(drawing.svg(title: title), to: svg) }
    if let html { try writeText(Page(report: report, drawing: drawing, title: title).html, to: html) }
  }
}
