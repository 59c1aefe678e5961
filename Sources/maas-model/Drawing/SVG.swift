import MaasCommand
import MaasGraph

extension Drawing {
  private static let (margin, titleHeight) = (24.0, 40.0)

  /// The drawing as SVG. Boxes have `data-box`, their index in the diagram.
  func svg(title: String) -> String {
    let room = max(width, Self.textWidth(title, 16)) + 2 * Self.margin
    let tall = height + 2 * Self.margin + Self.titleHeight
    var text = """
      <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(number(room)) \(number(tall))" \
      width="\(number(room))" height="\(number(tall))">
      <title>\(escaped(title))</title>
      <style>\(style)</style>
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">\
      <path d="M0 0L8 4L0 8z" class="head"/></marker></defs>
      <rect width="100%" height="100%" class="paper"/>
      <text x="\(number(Self.margin))" y="32" class="heading">\(escaped(title))</text>
      <g transform="translate(\(number((room - width) / 2)) \(number(Self.margin + Self.titleHeight)))">

      """
    for line in lines { text += path(line) }
    for i in frames.indices { text += labels(of: i) }
    for i in frames.indices { text += box(i) }
    return text + "</g>\n</svg>\n"
  }

  private var style: String {
    var rules = """
      text{font-family:"DejaVu Sans Mono",ui-monospace,Menlo,Consolas,monospace;fill:#1c2733}\
      .paper{fill:#fff}.heading{font-size:16px;font-weight:bold}.edge{fill:none;stroke:#8593a3;stroke-width:1.2}\
      .head{fill:#8593a3}.label{font-size:\(number(Self.labelSize))px;fill:#44505e;text-anchor:middle}\
      .back{fill:#fff;fill-opacity:.88}.box rect{stroke:#33404d;stroke-opacity:.35}\
      .name{font-size:\(number(Self.titleSize))px;font-weight:bold;text-anchor:middle}\
      .line{font-size:\(number(Self.lineSize))px;text-anchor:middle}.end{fill:#eef1f4}
      """
    for kind in OperatorKind.allCases { rules += ".\(kind){fill:\(kind.colour)}" }
    return rules
  }

  private func path(_ line: [Point]) -> String {
    var d = "M\(number(line[0].x)) \(number(line[0].y))"
    for i in line.indices.dropFirst() {
      let (a, b) = (line[i - 1], line[i])
      if a.x == b.x {
        d += "V\(number(b.y))"
      } else {
        let middle = number((a.y + b.y) / 2)
        d += "C\(number(a.x)) \(middle) \(number(b.x)) \(middle) \(number(b.x)) \(number(b.y))"
      }
    }
    return "<path class=\"edge\" marker-end=\"url(#arrow)\" d=\"\(d)\"/>\n"
  }

  private func labels(of i: Int) -> String {
    var text = ""
    for (p, port) in diagram.boxes[i].ports.enumerated() {
      let (place, wide) = (self.port(p, of: i), Self.textWidth(port.label, Self.labelSize) + 4)
      text += "<rect class=\"back\" x=\"\(number(place.x - wide / 2))\" y=\"\(number(place.y + 4))\" "
      text += "width=\"\(number(wide))\" height=\"\(number(Self.lineHeight))\"/>"
      text += "<text class=\"label\" x=\"\(number(place.x))\" y=\"\(number(place.y + 14))\">"
      text += "\(escaped(port.label))</text>\n"
    }
    return text
  }

  private func box(_ i: Int) -> String {
    let (box, frame) = (diagram.boxes[i], frames[i])
    let middle = number(frame.x + frame.width / 2)
    var isNode = false
    if case .node = box.subject { isNode = true }
    var text = "<g class=\"box\" data-box=\"\(i)\"><title>\(escaped(box.title))</title>"
    let kind = isNode ? "\(OperatorKind(box.title))" : "end"
    text += "<rect class=\"\(kind)\" x=\"\(number(frame.x))\" y=\"\(number(frame.y))\" "
    text += "width=\"\(number(frame.width))\" height=\"\(number(frame.height))\" rx=\"\(isNode ? 4 : 13)\"/>"
    text +=
      "<text class=\"name\" x=\"\(middle)\" y=\"\(number(frame.y + 18))\">\(escaped(shortened(box.title)))</text>"
    for (n, line) in box.lines.enumerated() {
      let y = number(frame.y + 20 + Double(n + 1) * Self.lineHeight - 2)
      text += "<text class=\"line\" x=\"\(middle)\" y=\"\(y)\">\(escaped(line))</text>"
    }
    return text + "</g>\n"
  }
}

extension OperatorKind {
  fileprivate var colour: String {
    switch self {
    case .product: "#9ecbff"
    case .attention: "#c7b4f5"
    case .recurrent: "#f5b4dd"
    case .normalization: "#b5e3b1"
    case .reduction: "#f7cf9a"
    case .movement: "#e3e3da"
    case .control: "#f3a6a0"
    case .elementwise: "#fdf0a8"
    }
  }
}

/// A coordinate with one digit after the point.
private func number(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return tenths % 10 == 0
    ? "\(tenths / 10)" : "\(tenths < 0 ? "-" : "")\(tenths.magnitude / 10).\(tenths.magnitude % 10)"
}
