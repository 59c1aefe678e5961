import MaasCommand
import MaasCore
import MaasGraph

extension Report {
  /// For people; with `values`, a line for each value that a node makes.
  func text(values: Bool) -> String {
    var lines = header
    lines += section("inputs", valueRows(model.graph.inputs))
    lines += section("outputs", valueRows(model.graph.outputs))
    let nodes = operators.reduce(0) { $0 + $1.count }
    lines += section("operators: \(nodes) nodes", operators.map { [$0.name, grouped($0.count)] })
    lines.append(
      "parameters: \(grouped(parameters.count)) in \(parameters.tensors) tensors, \(grouped(parameters.bytes)) bytes"
    )
    let coverage = coverage
    lines.append("shapes: \(coverage.complete) of \(coverage.all) values that nodes make have one in full")
    if values { lines += section("values", valueRows(model.made)) }
    lines += memoryLines + costLines
    return lines.map(Terminal.printable).joined(separator: "\n") + "\n"
  }

  private var header: [String] {
    let info = model.info
    let opsets = info.opsets.map { "\($0.domain.isEmpty ? "ai.onnx" : $0.domain) \($0.version)" }
    let producer = [info.producerName, info.producerVersion].filter { !$0.isEmpty }.joined(separator: " ")
    return [
      "\(model.path): graph '\(info.graphName)'",
      "producer: \(producer.isEmpty ? "not named" : producer)",
      "IR version: \(info.irVersion)",
      "opsets: \(opsets.joined(separator: ", "))",
    ]
  }

  private func valueRows(_ ids: [ValueID]) -> [[String]] {
    ids.map { id in [model.graph[id].name, model.fact(id)?.text ?? "of a type nothing tells"] }
  }

  private var memoryLines: [String] {
    var lines = ["memory of what nodes make, all together: \(memory.sum.grouped) bytes"]
    let what = "alive at once, nothing fused and nothing in place:"
    if memory.peaks.count == 1 {
      lines.append("\(what) at most \(memory.peaks[0].grouped) bytes")
    } else if memory.peaks.count > 1 {
      lines += section("\(what) the largest of (bytes)", shown(memory.peaks.map { [$0.grouped] }))
    }
    if memory.unsized > 0 { lines.append("not counted: \(memory.unsized) values without a known size") }
    if let plan {
      let part = plan.isWhole ? "" : ", as far as it is known before data decides"
      lines.append(
        "memory of a run as planned, besides inputs, outputs and weights: \(grouped(plan.arenaBytes)) bytes\(part)"
      )
      lines.append("weights repacked for this machine: \(grouped(plan.packedBytes)) bytes")
    } else {
      let sizes = model.symbols.map { "--shape '\($0.text)=…'" }
      lines.append("memory of a run as planned: give \(sizes.joined(separator: " "))")
    }
    return lines
  }

  private var costLines: [String] {
    var lines = ["multiply-accumulates: \(macs.grouped) (FLOPs: twice as many)"]
    let rows = macsByOperator.map { [$0.name, $0.macs.grouped] }
    lines += rows.map { "  " + $0.joined(separator: "  ") }
    lines.append("element-wise operations: \(elements.grouped)")
    if uncounted > 0 {
      lines.append("not counted: \(uncounted) nodes with unknown shapes or bodies of their own")
    }
    return lines
  }

  private func shown(_ rows: [[String]]) -> [[String]] {
    rows.count <= 6 ? rows : rows.prefix(5) + [["… and \(rows.count - 5) more"]]
  }
}

/// A title, and rows in columns below it.
private func section(_ title: String, _ rows: [[String]]) -> [String] {
  let width = min(40, rows.map { $0.count > 1 ? $0[0].count : 0 }.max() ?? 0)
  return [title]
    + rows.map { row in
      guard row.count > 1 else { return "  " + row.joined() }
      return "  " + row[0] + String(repeating: " ", count: max(0, width - row[0].count)) + "  " + row[1]
    }
}

/// `1,234,567`
func grouped(_ number: Int) -> String {
  let digits = Array("\(number.magnitude)")
  var text = number < 0 ? "-" : ""
  for (i, digit) in digits.enumerated() {
    if i > 0, (digits.count - i) % 3 == 0 { text += "," }
    text.append(digit)
  }
  return text
}

extension Dim {
  /// A number with its digits in groups; an expression as it is.
  fileprivate var grouped: String { value.map { maas_model.grouped($0) } ?? text }
}
