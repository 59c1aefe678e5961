import ArgumentParser
import CMaasONNX
import Maas
import MaasCommand
import MaasCore
import MaasONNX

struct Check: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Checks models against the ONNX standard.",
    discussion: """
      Runs the checker and the shape inference of libonnx, then the loader of maas, and says which node is wrong, and \
      why.

      Of a compiled model the checksums of all that is in it are compared, and it is opened.

      Models newer than the installed libonnx are parsed, not checked; a line says so and the exit status is 0.
      """)

  @Argument(help: ArgumentHelp("The models to check.", valueName: "model.onnx"))
  var models: [String]

  func run() throws {
    var wrong = false
    for path in models {
      do {
        try printLine(Terminal.printable("\(path): \(try verdict(path))"))
      } catch {
        complain("\(error)")
        wrong = true
      }
    }
    if wrong { throw ExitCode(1) }
  }

  private func verdict(_ path: String) throws -> String {
    let file = try MappedFile(path)
    if withExtendedLifetime(file, { CompiledModel.isOne(file.bytes) }) { return try verdict(compiled: path) }
    let libonnx = "libonnx \(String(cString: maas_onnx_version()))"
    let verdict: String
    switch try ParsedModel(path: path).check() {
    case .sound: verdict = "no problem found by \(libonnx)"
    case .newer(let part):
      verdict =
        "parsed, not checked: \(libonnx) is too old for \(part); "
        + "PyPI's onnx checks it: python3 -m onnx.bin.checker \(path)"
    case .unsound(let problem): throw problem
    }
    return verdict + (try remarkOfMaas(path))
  }

  private func verdict(compiled path: String) throws(MaasError) -> String {
    do {
      let compiled = try ONNXModel(path: path).compiled
      try compiled?.checkWeights()
      _ = try Model(path: path)
      return "compiled for \(compiled?.family ?? ""), whole"
    } catch {
      throw error.inFile(path)
    }
  }

  /// libonnx does not look at the contents of tensors and lets other errors pass too; maas's own loader finds them.
  /// What maas merely cannot do is a remark.
  private func remarkOfMaas(_ path: String) throws -> String {
    do {
      _ = try Model(path: path)
      return ""
    } catch {
      guard error.code == .unsupported else { throw error }
      return "; maas cannot run it: \(error.message)"
    }
  }
}
