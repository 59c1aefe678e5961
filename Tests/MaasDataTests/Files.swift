import Foundation
import MaasCore

@testable import MaasData

/// Calls `body` with the path of a file that holds `bytes` and is removed afterwards.
func withFile<R>(_ bytes: [UInt8], ending: String = "csv", _ body: (String) throws -> R) throws -> R {
  let url = FileManager.default.temporaryDirectory.appending(path: "maas-\(UUID().uuidString).\(ending)")
  try Data(bytes).write(to: url)
  defer { try? FileManager.default.removeItem(at: url) }
  return try body(url.path)
}

func withText<R>(_ text: String, _ body: (String) throws -> R) throws -> R {
  try withFile(Array(text.utf8), body)
}

/// What an error says behind the name of its file; "no error" without one.
func failure(_ body: () throws -> Void) -> String {
  do { try body() } catch let error as MaasError {
    return error.file.map { String(error.message.dropFirst($0.count + 2)) } ?? error.message
  } catch { return "\(error)" }
  return "no error"
}
