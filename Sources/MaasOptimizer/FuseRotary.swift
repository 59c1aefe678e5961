import MaasCore
import MaasGraph
import MaasOps

/// x cos + r(x) sin, where r swaps the halves of heads and negates the one that is first then, becomes one rotation. It
/// works on the rows of a projection where heads are brought to the front of them.
let fuseRotary = Rule(name: "FuseRotary", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    guard node.op.name == "Add", node.op.isElementary, let output = node.outputs[0],
      let rotation = matcher.rotation(node), matcher.alike(rotation.x, output)
    else { return nil }
    let angles: [ValueID?] = [rotation.cosines, rotation.sines]
    guard let rows = matcher.rows(of: rotation.x) else {
      return Node(node.name, HalfRotation(heads: nil), [rotation.x] + angles, node.outputs)
    }
    let (flat, split) = (matcher.twin(rows.value, node.name), matcher.twin(rows.split, node.name))
    let target = matcher.constant(
      "\(node.name)/shape", try Tensor(.int64, [4], [0, 0, rows.heads, rows.size].map { Int64($0) }))
    matcher.insert(Node(node.name, HalfRotation(heads: rows.heads), [rows.value] + angles, [flat]))
    matcher.insert(Node(node.name, Reshape(), [flat, target], [split]))
    return Node(node.name, Transpose(perm: [0, 2, 1, 3]), [split], node.outputs)
  }
}

private struct HeadRotation {
  let x, cosines, sines: ValueID
}

extension Matcher {
  /// The sum of a product with x and one with the halves of x swapped.
  fileprivate func rotation(_ sum: Node) -> HeadRotation? {
    for i in 0..<2 {
      guard let plain = node(sum.inputs[i], "Mul"), let swapped = node(sum.inputs[1 - i], "Mul") else {
        continue
      }
      for j in 0..<2 {
        guard let x = swappedHalves(swapped.inputs[j]), let sines = swapped.inputs[1 - j],
          let k = plain.inputs.firstIndex(of: x), let cosines = plain.inputs[1 - k],
          areAngles(cosines, of: x), areAngles(sines, of: x), shape(cosines) == shape(sines)
        else { continue }
        return HeadRotation(x: x, cosines: cosines, sines: sines)
      }
    }
    return nil
  }

  /// Whether it has a row for each place that all heads share.
  private func areAngles(_ id: ValueID, of x: ValueID) -> Bool {
    guard graph[id].dtype == .float, let own = shape(id), let x = shape(x), own.count == 4, x.count == 4
    else {
      return false
    }
    return own[0] == .known(1) && own[1] == .known(1) && own[2...] == x[2...]
      || own == [x[0], .known(1), x[2], x[3]]
  }

  /// x, where the value is its second half, negated, and its first one.
  private func swappedHalves(_ id: ValueID?) -> ValueID? {
    guard let node = node(id), let op = node.op as? Concat, node.inputs.count == 2,
      op.axis == -1 || op.axis == 3,
      let negated = self.node(node.inputs[0], "Neg"), let second = half(negated.inputs[0]),
      let first = half(node.inputs[1])
    else { return nil }
    return first.isFirst && !second.isFirst && first.x == second.x ? first.x : nil
  }

  /// What a value is one half of the rows of.
  private func half(_ id: ValueID?) -> (x: ValueID, isFirst: Bool)? {
    guard let id, let node = node(id), let x = node.inputs[0], let whole = shape(x)?.last?.value,
      let rank = shape(x)?.count, let size = shape(id)?.last?.value, 2 * size == whole
    else { return nil }
    if let split = node.op as? Split, split.axis == -1 || split.axis == rank - 1, node.outputs.count == 2 {
      return (x, node.outputs[0] == id)
    }
    guard node.op is SliceOperator, let axes = numbers(node, 3), axes == [-1] || axes == [rank - 1],
      node.inputs.count < 5 || numbers(node, 4) == [1]
    else { return nil }
    // As long as it must be, it is one half as soon as one of its ends is that of the rows.
    if numbers(node, 1) == [0] { return (x, true) }
    return numbers(node, 2).map { $0[0] >= whole } ?? false ? (x, false) : nil
  }

  private func numbers(_ node: Node, _ i: Int) -> [Int]? {
    (node.inputs[at: i] ?? nil).flatMap { graph[$0].constant?.integers }
  }

  /// The rows [batch, places, heads * size] that a value has its heads of.
  fileprivate func rows(of id: ValueID) -> (value: ValueID, split: ValueID, heads: Int, size: Int)? {
    guard let transpose = node(id), (transpose.op as? Transpose)?.perm == [0, 2, 1, 3],
      let split = transpose.inputs[0], let reshape = node(split), reshape.op is Reshape,
      let rows = reshape.inputs[0], let from = shape(rows), let to = shape(split), from.count == 3,
      to.count == 4,
      to[..<2] == from[..<2], let heads = to[2].value, let size = to[3].value,
      let width = product(heads, size), width > 0, from[2] == .known(width)
    else { return nil }
    return (rows, split, heads, size)
  }

  fileprivate mutating func twin(_ id: ValueID, _ name: String) -> ValueID {
    value("\(name)/\(graph[id].name)", .float, shape(id))
  }
}
