import ArgumentParser
import CMaasONNX
import MaasCore

struct Text: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints a model in protobuf's text format.",
    discussion: """
      The contents of large tensors are left out, and a comment tells how much that is.

      Fields that the installed libonnx does not know appear under their numbers.
      """)

  @Flag(help: "Print the numbers of large tensors too, so that the text says all that the file does.")
  var whole = false

  @Argument(help: ArgumentHelp("The model to print.", valueName: "model.onnx"))
  var model: String

  func run() throws {
    let parsed = try ParsedModel(path: model)
    let error = maas_onnx_print(parsed.handle, whole, 1)
    if error != 0 { throw MaasError.file(model, "cannot be printed", error) }
  }
}
