import Maas
import MaasCommand

/// A report as a page that needs no other file: totals, and a bar for each layer.
struct QuantizationPage {
  private let report: QuantizationReport

  init(_ report: QuantizationReport) { self.report = report }

  var text: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Quantization report</title>
    <style>\(style)</style>
    </head>
    <body>
    <h1>Quantization report: \(report.mode.rawValue)</h1>
    \(totals)
    <table>
    <tr><th>layer</th><th>weights</th><th>bits</th><th class="wide">SQNR, dB</th><th>before, µs</th>\
    <th>after, µs</th><th>kept</th><th>why</th></tr>
    \(report.layers.map(row).joined(separator: "\n"))
    </table>
    </body>
    </html>

    """
  }

  private var style: String {
    """
    :root { color-scheme: light dark; --bar: #3b82c4; --off: #757575 }
    body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 76em; padding: 0 1em }
    table { border-collapse: collapse; width: 100% }
    th, td { text-align: left; padding: .25em .7em; border-bottom: 1px solid #8884; white-space: nowrap }
    td.number { text-align: right; font-variant-numeric: tabular-nums }
    .wide { width: 30% }
    .bar { background: var(--bar); color: #fff; border-radius: 3px; padding: 0 .4em; min-width: 2.6em; \
    box-sizing: border-box }
    .float .bar { background: var(--off) }
    dl { display: grid; grid-template-columns: max-content auto; gap: .2em 1.5em }
    dd { margin: 0 }
    """
  }

  /// The lines of the text report behind its table.
  private var totals: String {
    let lines = report.totalLines.map { "<dt>\(escaped($0.name))</dt><dd>\(escaped($0.value))</dd>" }
    return "<dl>" + lines.joined() + "</dl>"
  }

  private func row(_ layer: QuantizationReport.Layer) -> String {
    let shape = layer.shape.map(String.init).joined(separator: "×")
    return """
      <tr\(layer.isQuantized ? "" : " class=\"float\"")><td title="\(escaped(layer.type))">\(escaped(layer.name))</td>\
      <td>\(shape)</td><td class="number">\(layer.isQuantized ? layer.bits : 32)</td><td>\(bar(layer.sqnr))</td>\
      <td class="number">\(number(layer.time?.before))</td><td class="number">\(number(layer.time?.after))</td>\
      <td>\(layer.isQuantized ? "yes" : "no")</td><td>\(escaped(layer.reason))</td></tr>
      """
  }

  /// As long as the ratio is good: 60 dB fill the column.
  private func bar(_ sqnr: Double?) -> String {
    guard let sqnr else { return "" }
    let width = sqnr.isFinite ? min(max(sqnr / 60, 0), 1) * 100 : 100
    return "<div class=\"bar\" style=\"width:\(Int(width))%\">\(number(sqnr))</div>"
  }

  private func number(_ value: Double?) -> String {
    guard let value, value.isFinite else { return "" }
    return "\((value * 10).rounded() / 10)"
  }
}
