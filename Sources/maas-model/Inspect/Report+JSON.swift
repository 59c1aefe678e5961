import MaasCommand
import MaasCore
import MaasGraph

extension Report {
  /// For machines. Dimensions are numbers, or strings where they are expressions; null is not known.
  var json: JSON {
    let info = model.info
    let opsets = info.opsets.map {
      JSON.object([("domain", .string($0.domain)), ("version", .int($0.version))])
    }
    return .object([
      ("file", .string(model.path)), ("graph", .string(info.graphName)),
      ("producer", .string(info.producerName)), ("producer_version", .string(info.producerVersion)),
      ("ir_version", .int(info.irVersion)), ("opsets", .array(opsets)),
      ("inputs", .array(model.graph.inputs.map(json))), ("outputs", .array(model.graph.outputs.map(json))),
      ("operators", .object(operators.map { ($0.name, .int($0.count)) })),
      ("parameters", parameters.json), ("memory", memoryJSON), ("cost", costJSON),
      ("nodes", .array(zip(model.graph.nodes.indices, costs).map(nodeJSON))),
      ("values", .array(model.made.map(json))),
    ])
  }

  private func json(_ id: ValueID) -> JSON {
    let fact = model.fact(id)
    return .object([
      ("name", .string(model.graph[id].name)), ("type", fact.map { .string($0.typeText) } ?? .null),
      ("shape", fact?.shape.map { .array($0.dims.map { $0.json }) } ?? .null),
      ("complete", .bool(fact?.isComplete ?? false)),
    ])
  }

  private var memoryJSON: JSON {
    var members: [(String, JSON)] = [
      ("sum_bytes", memory.sum.json), ("alive_bytes_max_of", .array(memory.peaks.map { $0.json })),
      ("unsized_values", .int(memory.unsized)),
    ]
    if let plan {
      members += [
        ("planned_bytes", .int(plan.arenaBytes)), ("packed_weight_bytes", .int(plan.packedBytes)),
        ("planned_whole", .bool(plan.isWhole)),
      ]
    }
    return .object(members)
  }

  private var costJSON: JSON {
    .object([
      ("macs", macs.json), ("flops", (macs * .known(2)).json), ("elementwise", elements.json),
      ("macs_by_operator", .object(macsByOperator.map { ($0.name, $0.macs.json) })),
      ("uncounted_nodes", .int(uncounted)),
    ])
  }

  private func nodeJSON(_ i: Int, _ cost: Cost) -> JSON {
    let node = model.graph.nodes[i]
    func names(_ ids: [ValueID?]) -> JSON {
      .array(ids.map { id in id.map { .string(model.graph[$0].name) } ?? .null })
    }
    return .object([
      ("name", .string(node.name)), ("op", .string(node.op.name)), ("inputs", names(node.inputs)),
      ("outputs", names(node.outputs)),
      ("attributes", .object(model.attributes[i].map { ($0.name, $0.value.json) })),
      ("macs", cost.macs.json), ("elementwise", cost.elements.json),
    ])
  }
}

extension Report.Parameters {
  fileprivate var json: JSON {
    .object([("tensors", .int(tensors)), ("count", .int(count)), ("bytes", .int(bytes))])
  }
}

extension Dim {
  var json: JSON { value.map { .int($0) } ?? .string(text) }
}

extension AttributeValue {
  var json: JSON {
    switch self {
    case .float(let value): .real(Double(value))
    case .int(let value): .int(value)
    case .string(let value): .string(String(decoding: value, as: UTF8.self))
    case .floats(let values): .array(values.map { .real(Double($0)) })
    case .ints(let values): .array(values.map { .int($0) })
    case .strings(let values): .array(values.map { .string(String(decoding: $0, as: UTF8.self)) })
    case .tensor(let tensor): .string(tensor.summary)
    case .graph(let graph): .string(graph.summary)
    case .tensors(let tensors): .array(tensors.map { .string($0.summary) })
    case .graphs(let graphs): .array(graphs.map { .string($0.summary) })
    case .type(let fact): .string(fact.typeText)
    }
  }
}

extension Tensor {
  /// `float [64, 3, 7, 7]`, or the numbers of a few integers.
  var summary: String {
    let type = "\(dtype.name) \(Shape(shape).text)"
    guard count <= 4, let integers else { return type }
    return "\(type) = " + integers.map { "\($0)" }.joined(separator: ", ")
  }
}

extension Graph {
  fileprivate var summary: String { "graph '\(name)' of \(nodes.count) nodes" }
}
