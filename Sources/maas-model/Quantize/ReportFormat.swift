import Glibc
import Maas
import MaasCommand
import MaasCore

/// How a report is written, by the ending of its file.
enum ReportFormat: String {
  case html, json, txt

  init?(path: String) {
    guard let dot = path.lastIndex(of: ".") else { return nil }
    self.init(rawValue: String(path[path.index(after: dot)...]))
  }

  /// Refuses a place that nothing can be written to, before the model is.
  static func checkFolder(of path: String) throws(MaasError) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
    if access(folder, W_OK) != 0 { throw MaasError.file(path, "cannot be written", errno) }
  }

  func write(_ report: QuantizationReport, to path: String) throws(MaasError) {
    switch self {
    case .html: try writeText(QuantizationPage(report).text, to: path)
    case .json: try writeText(report.json, to: path)
    case .txt: try writeText(report.text, to: path)
    }
  }
}
