import MaasCore
import MaasGraph

/// Nodes whose inputs are all constant become constants themselves, unless that would make the model much larger.
/// Quantized weights stay so until other rules have seen them.
let foldConstants = Rule(name: "FoldConstants", effect: .exact) { (graph: inout Graph) in
  folded(&graph) { (node, graph) in !graph.isQuantizedMatrix(node) }
}

/// The same for those quantized weights that no product took as they are.
let foldDequantized = Rule(name: "FoldDequantized", effect: .exact) { (graph: inout Graph) in
  folded(&graph) { (_, _) in true }
}

private func folded(_ graph: inout Graph, _ mayFold: (Node, Graph) -> Bool) -> Int {
  var kept: [Node] = []
  var folded = 0
  var rest = totalLimit(graph)
  for node in graph.nodes {
    if mayFold(node, graph), let tensors = constantOutputs(of: node, graph, rest) {
      for (id, tensor) in zip(node.outputs, tensors) {
        if let id, let tensor { graph[id].constant = tensor }
        rest -= tensor?.byteCount ?? 0
      }
      folded += 1
    } else {
      kept.append(node)
    }
  }
  graph.nodes = kept
  return folded
}

extension Graph {
  /// Whether a node dequantizes numbers of at most 8 bits that may be the weights of a product or convolution.
  fileprivate func isQuantizedMatrix(_ node: Node) -> Bool {
    guard node.op.name == "DequantizeLinear", let x = node.inputs[at: 0] ?? nil, let tensor = self[x].constant
    else {
      return false
    }
    return tensor.shape.count > 1 && tensor.dtype.bitWidth <= 8
  }
}

/// Bytes of folded tensors beyond those of the inputs that are worth keeping.
private let growthLimit = 1 << 20

/// Bytes that all folded tensors together may take: nodes in a row can double what each finds.
private func totalLimit(_ graph: Graph) -> Int {
  graph.values.reduce(64 * growthLimit) { $0 + 4 * ($1.constant?.byteCount ?? 0) }
}

/// Nil for a node that is not constant, grows too much, or fails: the plan will say why where it matters.
private func constantOutputs(of node: Node, _ graph: Graph, _ limit: Int) -> [Tensor?]? {
  if !node.op.bodies.isEmpty { return nil }
  var tensors: [Tensor?] = []
  var bytes = growthLimit
  for input in node.inputs {
    guard let input else {
      tensors.append(nil)
      continue
    }
    guard let constant = graph[input].constant else { return nil }
    bytes += constant.byteCount
    tensors.append(constant)
  }
  do {
    return try evaluate(
      node.op, tensors, outputs: node.outputs.map { $0 != nil }, byteLimit: min(bytes, limit))
  } catch {
    return nil
  }
}
