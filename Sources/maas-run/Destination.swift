import ArgumentParser
import CMaasSystem
import Maas
import MaasCommand
import MaasCore
import MaasNumPy

/// Where outputs are written.
enum Destination {
  case none
  case npy(String)
  case npz(String)
  case standardOutput

  init(_ path: String?) {
    switch path {
    case .none: self = .none
    case "-": self = .standardOutput
    case .some(let path): self = path.hasSuffix(".npz") ? .npz(path) : .npy(path)
    }
  }

  /// Refuses paths that do not tell what is wanted.
  static func check(_ path: String) throws {
    if path != "-", !path.hasSuffix(".npy"), !path.hasSuffix(".npz") {
      throw ValidationError("--output needs a file ending in .npy or .npz, or -, not '\(path)'")
    }
  }

  var isStandardOutput: Bool {
    if case .standardOutput = self { true } else { false }
  }

  /// Refuses what can be known to fail before the model runs.
  func check(_ model: Model) throws(MaasError) {
    if case .npy(let path) = self, model.outputs.count != 1 {
      throw MaasError(
        .invalidArgument, "a .npy file holds one array, but the model has \(model.outputs.count) outputs",
        hint: "name a .npz file"
      ).inFile(path)
    }
    if isStandardOutput, Terminal.showsOutput {
      throw MaasError(
        .invalidArgument, "binary data would go to the terminal",
        hint: "redirect standard output to a file or a pipe")
    }
  }

  func write(_ outputs: [NamedTensor]) throws(MaasError) {
    switch self {
    case .none: break
    case .npy(let path): try Npy.write(outputs[0].tensor, to: path)
    case .npz(let path): try Npz.write(outputs, to: path)
    case .standardOutput:
      let file = try outputs.count == 1 ? Npy.encode(outputs[0].tensor) : Npz.encode(outputs)
      try Terminal.write(UnsafeRawBufferPointer(start: file.base, count: file.byteCount))
    }
  }
}
