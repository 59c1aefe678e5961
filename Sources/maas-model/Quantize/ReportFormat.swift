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

  func write(_ report: QuantizationReport, to path: String) throws(MaasError) {
    switch self {
    case .html: try writeText(QuantizationPage(report).text, to: path)
    case .json: try writeText(report.json, to: path)
    case .txt: try writeText(report.text, to: path)
    }
  }
}
