import MaasCommand
import MaasCore

// A page that needs no other file.
extension TrainingReport {
  var page: String {
    """
    <!doctype html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>\(escaped(title))</title>
    <style>\(style)</style>
    </head>
    <body>
    <h1>\(escaped(title))</h1>
    \(list(decisions))
    <h2>Results</h2>
    \(results)
    <h2>Learning curves</h2>
    \(curves)
    \(confusionTable)
    \(residuals)
    <h2>Files</h2>
    \(list(files))
    </body>
    </html>

    """
  }

  private var style: String {
    """
    :root { color-scheme: light dark; --a: #3b82c4; --b: #c4703b }
    body { font: 15px/1.5 system-ui, sans-serif; margin: 2em auto; max-width: 62em; padding: 0 1em }
    table { border-collapse: collapse } th, td { padding: .25em .8em; border-bottom: 1px solid #8884; text-align: left }
    td.number, .confusion td, .confusion th { text-align: right; font-variant-numeric: tabular-nums }
    dl { display: grid; grid-template-columns: max-content auto; gap: .2em 1.5em }
    dd { margin: 0; white-space: pre-wrap }
    svg { width: 100%; max-width: 48em; height: auto } svg text { font: 12px system-ui, sans-serif; fill: currentColor }
    .a { stroke: var(--a) } .b { stroke: var(--b) } polyline { fill: none; stroke-width: 2 }
    line { stroke: #8886 } circle { fill: var(--a); fill-opacity: .6 }
    """
  }

  private func list(_ rows: [(name: String, value: String)]) -> String {
    "<dl>" + joined(rows.map { "<dt>\(escaped($0.name))</dt><dd>\(escaped($0.value))</dd>" }, "") + "</dl>"
  }

  private var results: String {
    guard let first = parts.first else { return "" }
    let head = joined(["samples", ""] + first.figures.map { $0.name }, "</th><th>")
    let rows = parts.map { part in
      "<tr><td>\(escaped(part.name))</td><td class=\"number\">\(part.samples)</td>"
        + joined(part.figures.map { "<td class=\"number\">\(figure($0.value))</td>" }, "") + "</tr>"
    }
    return "<table><tr><th>\(head)</th></tr>\(joined(rows, ""))</table>"
  }

  private var curves: String {
    let losses = epochs.map { $0.loss }
    let validation = epochs.compactMap { $0.validation }
    guard let most = (losses + validation).filter({ $0.isFinite }).max(), epochs.count > 1 else {
      return "<p>One epoch.</p>"
    }
    let plot = Plot(x: 0...Double(epochs.count - 1), y: 0...max(most, 1e-12))
    var shapes = plot.axes(x: "epoch", y: "loss", firstX: 1)
    shapes += plot.curve(losses, "a") + plot.legend("training", "a", 0)
    if validation.count == epochs.count {
      shapes += plot.curve(validation, "b") + plot.legend("validation", "b", 1)
    }
    return plot.svg(shapes)
  }

  private var confusionTable: String {
    guard !confusion.isEmpty, classNames.count <= 60 else { return "" }
    let head = joined(classNames.map { "<th>\(escaped($0))</th>" }, "")
    let rows = zip(classNames, confusion).map { name, row in
      let all = max(1, row.reduce(0, +))
      let cells = row.map { count in
        let shade = figure(0.8 * Double(count) / Double(all), digits: 2)
        return "<td style=\"background:rgba(59,130,196,\(shade))\">\(count)</td>"
      }
      return "<tr><th>\(escaped(name))</th>\(joined(cells, ""))</tr>"
    }
    return "<h2>Classes of the \(judged) samples (rows) and what they were taken for</h2>"
      + "<table class=\"confusion\"><tr><th></th>\(head)</tr>\(joined(rows, ""))</table>"
  }

  private var residuals: String {
    guard let low = pairs.map({ min($0.truth, $0.predicted) }).min(), pairs.count > 1,
      let high = pairs.map({ max($0.truth, $0.predicted) }).max(), high > low
    else { return "" }
    let errors = pairs.map { $0.predicted - $0.truth }
    let worst = max(errors.map { $0.magnitude }.max() ?? 0, 1e-12)
    let plot = Plot(x: low...high, y: -worst...worst)
    let points = zip(pairs, errors).map { plot.point($0.truth, $1) }
    return "<h2>Residuals of the \(judged) samples</h2>"
      + plot.svg(plot.axes(x: "true value", y: "predicted - true") + joined(points, ""))
  }
}

/// A diagram with axes.
private struct Plot {
  let x, y: ClosedRange<Double>
  private static let (width, height, left, bottom, margin) = (720.0, 300.0, 70.0, 40.0, 14.0)

  init(x: ClosedRange<Double>, y: ClosedRange<Double>) { (self.x, self.y) = (x, y) }

  func svg(_ shapes: String) -> String {
    "<svg viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" role=\"img\">\(shapes)</svg>"
  }

  private func place(_ px: Double, _ py: Double) -> (x: String, y: String) {
    let u = (px - x.lowerBound) / max(x.upperBound - x.lowerBound, 1e-300)
    let v = (py - y.lowerBound) / max(y.upperBound - y.lowerBound, 1e-300)
    return (
      figure(Self.left + u * (Self.width - Self.left - Self.margin), digits: 1),
      figure(Self.height - Self.bottom - v * (Self.height - Self.bottom - Self.margin), digits: 1)
    )
  }

  func axes(x xName: String, y yName: String, firstX: Double = 0) -> String {
    var text = ""
    for i in 0...4 {
      let value = y.lowerBound + (y.upperBound - y.lowerBound) * Double(i) / 4
      let (a, b) = (place(x.lowerBound, value), place(x.upperBound, value))
      text += "<line x1=\"\(a.x)\" y1=\"\(a.y)\" x2=\"\(b.x)\" y2=\"\(b.y)\"/>"
      text +=
        "<text x=\"\(Int(Self.left) - 6)\" y=\"\(a.y)\" text-anchor=\"end\">\(figure(value, digits: 3))</text>"
    }
    let end = Int(Self.height) - 22
    text += "<text x=\"\(Int(Self.left))\" y=\"\(end)\">\(figure(x.lowerBound + firstX, digits: 2))</text>"
    let (right, most) = (Int(Self.width - Self.margin), figure(x.upperBound + firstX, digits: 2))
    text += "<text x=\"\(right)\" y=\"\(end)\" text-anchor=\"end\">\(most)</text>"
    text += "<text x=\"\(Int(Self.width / 2))\" y=\"\(end + 16)\" text-anchor=\"middle\">\(xName)</text>"
    return text + "<text x=\"4\" y=\"11\">\(yName)</text>"
  }

  func curve(_ values: [Double], _ name: String) -> String {
    let points = values.enumerated().filter { $1.isFinite }.map { i, value in
      let at = place(Double(i), value)
      return "\(at.x),\(at.y)"
    }
    return "<polyline class=\"\(name)\" points=\"\(joined(points, " "))\"/>"
  }

  func legend(_ text: String, _ name: String, _ row: Int) -> String {
    let y = 24 + 18 * row
    let x = Int(Self.width) - 130
    let line = "<polyline class=\"\(name)\" points=\"\(x),\(y) \(x + 24),\(y)\"/>"
    return line + "<text x=\"\(x + 30)\" y=\"\(y + 4)\">\(text)</text>"
  }

  func point(_ px: Double, _ py: Double) -> String {
    let at = place(px, py)
    return "<circle cx=\"\(at.x)\" cy=\"\(at.y)\" r=\"3\"/>"
  }
}
