import CMaasONNX
import Maas
import MaasCore

/// A model as libprotobuf parsed it.
final class ParsedModel {
  let path: String
  let handle: OpaquePointer

  init(path: String) throws {
    self.path = path
    let file = try MappedFile(path)
    guard file.byteCount > 0 else { throw MaasError(.invalidModel, "the file is empty").inFile(path) }
    guard let handle = maas_onnx_parse(file.base, file.byteCount) else { throw ParsedModel.refusal(path) }
    self.handle = handle
  }

  enum Verdict {
    case sound
    case unsound(MaasError)
    /// What is newer than libonnx knows.
    case newer(String)
  }

  /// Asks libonnx.
  func check() -> Verdict {
    var problem = maas_onnx_problem()
    let verdict = maas_onnx_check(handle, path, &problem)
    let reason = text(problem.reason) ?? "libonnx gives no reason"
    var error = MaasError(.invalidModel, reason)
    if let operatorName = text(problem.op_type) {
      error = error.inNode(text(problem.node) ?? "", operatorName)
    }
    maas_onnx_problem_free(&problem)
    switch verdict {
    case MAAS_ONNX_SOUND: return .sound
    case MAAS_ONNX_NEWER: return .newer(reason)
    default: return .unsound(error.inFile(path))
    }
  }

  deinit { maas_onnx_free(handle) }

  /// libprotobuf only says no; maas's own reader says where.
  private static func refusal(_ path: String) -> MaasError {
    do {
      _ = try Model(path: path)
    } catch {
      return error
    }
    return MaasError(.invalidModel, "libprotobuf cannot read the file, though maas can").inFile(path)
  }
}

private func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
