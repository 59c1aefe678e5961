import MaasCore
import MaasGraph

/// Everything that `inspect` says about a model.
struct Report {
  let model: InspectedModel
  let operators: [(name: String, count: Int)]
  let parameters: Parameters
  let costs: [Cost]
  let memory: LiveMemory
  /// Nil where an input has a dimension without a number.
  let plan: PlannedMemory?

  struct Parameters {
    var tensors = 0
    var count = 0
    var bytes = 0
  }

  init(_ model: InspectedModel) throws(MaasError) {
    self.model = model
    operators = model.graph.operatorCounts
    parameters = Parameters(model)
    costs = zip(model.graph.nodes, model.attributes).map { node, attributes in
      Cost(
        node, attributes, inputs: node.inputs.map { model.fact($0) },
        outputs: node.outputs.map { model.fact($0) })
    }
    memory = LiveMemory(model)
    plan = try PlannedMemory(model)
  }

  /// The multiply-accumulates of each operator that has any, in the order of the names.
  var macsByOperator: [(name: String, macs: Dim)] {
    var sums: [String: Dim] = [:]
    for (node, cost) in zip(model.graph.nodes, costs) where cost.macs != .known(0) {
      sums[node.op.name] = (sums[node.op.name] ?? .known(0)) + cost.macs
    }
    return sums.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  var macs: Dim { costs.reduce(.known(0)) { $0 + $1.macs } }
  var elements: Dim { costs.reduce(.known(0)) { $0 + $1.elements } }
  /// Nodes whose cost is not in the numbers: a shape that counts is not known, or the work is in their bodies.
  var uncounted: Int {
    zip(model.graph.nodes, costs).reduce(0) { $0 + (!$1.1.isKnown || !$1.0.op.bodies.isEmpty ? 1 : 0) }
  }

  /// How many values nodes make, and of how many every dimension is known.
  var coverage: (complete: Int, all: Int) {
    let made = model.made
    return (made.reduce(0) { $0 + (model.fact($1)?.isComplete ?? false ? 1 : 0) }, made.count)
  }
}

extension Report.Parameters {
  /// The initializers: what constants of nodes hold is not counted.
  fileprivate init(_ model: InspectedModel) {
    for value in model.graph.values {
      guard let tensor = value.constant, model.initializers.contains(Name(value.name)) else { continue }
      tensors += 1
      count += tensor.count
      bytes += tensor.byteCount
    }
  }
}

extension Graph {
  /// Most frequent first, bodies included.
  fileprivate var operatorCounts: [(name: String, count: Int)] {
    var counts: [String: Int] = [:]
    countOperators(&counts)
    return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { ($0.key, $0.value) }
  }

  private func countOperators(_ counts: inout [String: Int]) {
    for node in nodes {
      counts[node.op.name, default: 0] += 1
      for body in node.op.bodies { body.countOperators(&counts) }
    }
  }
}
