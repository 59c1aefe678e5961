import MaasCommand
import MaasCore
import MaasGraph

/// One HTML page with the drawing and what is known of every box. It loads nothing.
struct Page {
  let report: Report
  let drawing: Drawing
  let title: String

  var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(escaped(title))</title>
    <style>\(Page.style)</style>
    </head>
    <body>
    <header><strong>\(escaped(title))</strong>
    <input id="search" type="search" placeholder="operator, node or value" aria-label="Search">
    <span id="found"></span>
    <button id="fit" type="button">Fit</button>
    <button id="about" type="button">Model</button></header>
    <main id="view" tabindex="0">\(drawing.svg(title: title))</main>
    <aside id="panel"></aside>
    <script type="application/json" id="data">\(data.text)</script>
    <script>\(Page.script)</script>
    </body>
    </html>

    """
  }

  private var data: JSON {
    .object([
      ("report", .string(report.text(values: false))), ("boxes", .array(drawing.diagram.boxes.map(json))),
    ])
  }

  private func json(_ box: Diagram.Box) -> JSON {
    switch box.subject {
    case .input(let id): return .object([("kind", .string("input")), ("outputs", .array([json(id)]))])
    case .output(let id): return .object([("kind", .string("output")), ("inputs", .array([json(id)]))])
    case .node(let i):
      let (node, cost) = (report.model.graph.nodes[i], report.costs[i])
      var members: [(String, JSON)] = [
        ("kind", .string(node.op.name)), ("name", .string(node.name)),
        ("attributes", .object(report.model.attributes[i].map { ($0.name, $0.value.json) })),
        ("inputs", .array(node.inputs.map(json))), ("outputs", .array(node.outputs.map(json))),
      ]
      if cost.macs != .known(0) { members.append(("macs", cost.macs.json)) }
      return .object(members)
    }
  }

  /// A value's name, what is known of it, and, for a constant, its few numbers.
  private func json(_ id: ValueID?) -> JSON {
    guard let id else { return .null }
    let value = report.model.graph[id]
    let type = value.constant?.summary ?? report.model.fact(id)?.text ?? "not known"
    return .object([
      ("name", .string(value.name)), ("type", .string(type)), ("constant", .bool(value.constant != nil)),
    ])
  }

  private static let style = """
    html,body{margin:0;height:100%;overflow:hidden;font:14px system-ui,sans-serif;color:#1c2733}
    body{display:grid;grid-template:auto 1fr/1fr auto}
    header{grid-column:1/3;display:flex;gap:12px;align-items:center;padding:8px 14px;border-bottom:1px solid #d5dbe1}
    #search{flex:0 1 320px;padding:4px 8px;font:inherit}#found{min-width:7em;color:#5b6875}
    #view{overflow:hidden;cursor:grab;outline:none;touch-action:none}
    #view svg{transform-origin:0 0;display:block;max-width:none}
    #panel{width:360px;overflow:auto;padding:0 16px;border-left:1px solid #d5dbe1;overflow-wrap:anywhere}
    #panel:empty{display:none}#panel h2{font-size:17px}#panel h3{font-size:13px;margin:14px 0 4px;color:#5b6875}
    #panel dl{margin:0}#panel dt{font-weight:600}
    #panel dd{margin:0 0 6px;font-family:ui-monospace,monospace;font-size:12px}
    #panel pre{font-size:12px;white-space:pre-wrap}
    #panel a{color:#1257a8;cursor:pointer}
    .box{cursor:pointer}.box.hit rect{stroke:#d4351c;stroke-opacity:1;stroke-width:3}
    .box.chosen rect{stroke:#1257a8;stroke-opacity:1;stroke-width:3}
    """
}
