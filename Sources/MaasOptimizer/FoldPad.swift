import MaasCore
import MaasGraph
import MaasOps

/// Zeros around images, and only there, become the padding of the convolution or average that alone reads them; the
/// lowest number becomes that of a maximum.
let foldPad = Rule(name: "FoldPad", effect: .rounding) { (graph: inout Graph) throws(MaasError) -> Int in
  try graph.fuseIntoProducers { (node, _, producer, graph) throws(MaasError) in
    guard let pad = producer.op as? Pad, node.outputs.count == 1, let x = producer.inputs[0],
      let rank = graph[x].shape?.rank, let filling = graph.filling(producer, pad, rank: rank),
      let op = node.op.padded(filling.pads, by: filling.number)
    else { return nil }
    return Node(node.name, op, [x] + node.inputs.dropFirst(), node.outputs)
  }
}

extension Graph {
  /// How many elements come before and behind each spatial dimension, and what they are.
  fileprivate func filling(_ node: Node, _ op: Pad, rank: Int) -> (pads: [Int], number: Float)? {
    let given = (node.inputs[at: 1] ?? nil).flatMap { self[$0].constant?.integers }
    guard var number = op.filling else { return nil }
    if let value = node.inputs[at: 2] ?? nil {
      guard let given = floatConstant(value, count: 1)?.elements(as: Float.self).first else { return nil }
      number = given
    }
    guard let pads = op.attribute ?? given, (node.inputs[at: 3] ?? nil) == nil, rank > 2,
      pads.count == 2 * rank, pads.allSatisfy({ $0 >= 0 })
    else { return nil }
    let parts = [pads.prefix(rank), pads.suffix(rank)].map { Array($0) }
    return parts.allSatisfy { $0[..<2] == [0, 0] } ? (parts.flatMap { $0[2...] }, number) : nil
  }
}

extension Operator {
  fileprivate func padded(_ pads: [Int], by number: Float) -> (any Operator)? {
    if let conv = self as? Conv { return number == 0 ? conv.padded(pads) : nil }
    return (self as? Pool)?.padded(pads, by: number)
  }
}
