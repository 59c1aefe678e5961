import MaasCore
import MaasGraph
import MaasOps

/// A product of dequantized 8-bit tensors, or one of integers that is scaled to float afterwards, becomes one
/// operator that reads the integers.
let quantizeProducts = Rule(name: "QuantizeProducts", effect: .rounding) {
  (graph: inout Graph) throws(MaasError) -> Int in
  try graph.replaceNodes { (node, matcher) throws(MaasError) in
    if node.op is Binary { return matcher.scaledProduct(node) }
    return matcher.dequantizedProduct(node) ?? matcher.contribProduct(node)
  }
}

/// What a DequantizeLinear reads.
struct QuantizedValue {
  let x, scale: ValueID
  let zero: ValueID?
  /// The dimension of x whose indices have scales of their own; nil where all of x has one.
  let axis: Int?
}

extension Matcher {
  /// The 8-bit integers that a float value was made of.
  func quantized(_ id: ValueID?) -> QuantizedValue? {
    guard let node = node(id), let op = node.op as? DequantizeLinear, op.isToFloat, let x = node.inputs[0],
      let scale = node.inputs[1], isByte(x), graph[scale].dtype == .float, let own = shape(scale)
    else { return nil }
    let zero = node.inputs[at: 2] ?? nil
    if Shape(own).count == .known(1), zero.map({ isOne($0) }) ?? true {
      return QuantizedValue(x: x, scale: scale, zero: zero, axis: nil)
    }
    guard own.count == 1, op.blockSize == 0, let rank = shape(x)?.count else { return nil }
    return QuantizedValue(
      x: x, scale: scale, zero: zero, axis: rank == 1 ? 0 : op.axis < 0 ? op.axis + rank : op.axis)
  }

  func isByte(_ id: ValueID) -> Bool { graph[id].dtype == .uint8 || graph[id].dtype == .int8 }

  /// Whether a value is known to have one element.
  func isOne(_ id: ValueID) -> Bool { graph[id].shape?.count == .known(1) }

  /// The node for a MatMul or Gemm of what was dequantized just before.
  fileprivate func dequantizedProduct(_ node: Node) -> Node? {
    if let conv = node.op as? Conv { return dequantizedConvolution(conv, node) }
    guard let right = rightSide(node), let a = quantized(node.inputs[0]), a.axis == nil,
      let b = quantized(right.matrix), let rank = shape(b.x)?.count, rank > 1
    else { return nil }
    let columns = right.isTransposed ? rank - 2 : rank - 1
    guard b.axis ?? columns == columns else { return nil }
    let bias = node.inputs[at: 2] ?? nil
    guard bias == nil || isColumnBias(bias, columns, of: b.x) else { return nil }
    return Node(
      node.name, QuantizedProduct(isTransposed: right.isTransposed),
      [a.x, b.x, a.scale, b.scale, a.zero, b.zero, bias], node.outputs)
  }

  /// The node for a Conv of what was dequantized just before.
  private func dequantizedConvolution(_ conv: Conv, _ node: Node) -> Node? {
    guard node.inputs.count < 4, let x = quantized(node.inputs[0]), x.axis == nil,
      let w = quantized(node.inputs[1]),
      w.axis ?? 0 == 0
    else { return nil }
    let bias = node.inputs[at: 2] ?? nil
    guard bias == nil || isColumnBias(bias, 0, of: w.x) else { return nil }
    return Node(node.name, conv.quantized, [x.x, w.x, x.scale, w.scale, x.zero, w.zero, bias], node.outputs)
  }

  /// The node for ONNX Runtime's operators that do the same, which quantize A themselves or not.
  fileprivate mutating func contribProduct(_ node: Node) -> Node? {
    func input(_ i: Int) -> ValueID? { node.inputs[at: i] ?? nil }
    if node.op is MatMulIntegerToFloat, let scale = input(2), graph[scale].dtype == .float {
      return Node(
        node.name, QuantizedProduct(), [input(0), input(1), scale, input(3), input(4), input(5), input(6)],
        node.outputs)
    }
    guard node.op is DynamicQuantizeMatMul, let x = input(0) else { return nil }
    let bytes = value("\(node.name)/bytes", .uint8, shape(x))
    let (scale, zero) = (value("\(node.name)/scale", .float, []), value("\(node.name)/zero", .uint8, []))
    insert(Node("\(node.name)/quantize", DynamicQuantizeLinear(), [x], [bytes, scale, zero]))
    return Node(
      node.name, QuantizedProduct(), [bytes, input(1), scale, input(2), zero, input(3), input(4)],
      node.outputs)
  }

  /// The matrix that a product reads as B, before a transposition of its own or of a node in front of it; nil for what
  /// is more than A B + C.
  func rightSide(_ node: Node) -> (matrix: ValueID?, isTransposed: Bool)? {
    guard let isTransposed = transposition(node), let b = node.inputs[1] else { return nil }
    guard let turn = self.node(b), let op = turn.op as? Transpose, let rank = shape(b)?.count, rank > 1 else {
      return (b, isTransposed)
    }
    var order = Array(0..<rank)
    order.swapAt(rank - 1, rank - 2)
    return (op.perm ?? Array(order.indices.reversed())) == order
      ? (turn.inputs[0], !isTransposed) : (b, isTransposed)
  }

  /// Whether a product's B is transposed; nil for what is more than A B + C.
  private func transposition(_ node: Node) -> Bool? {
    if let product = node.op as? MatMul {
      return product.activation.isNone && node.inputs.count == 2 ? false : nil
    }
    guard let gemm = node.op as? Gemm, !gemm.transA, let axis = gemm.columnAxis else { return nil }
    return axis == 0
  }

  /// Whether a value is one number for each column of the product, and known before the run.
  private func isColumnBias(_ id: ValueID?, _ axis: Int, of b: ValueID) -> Bool {
    guard let id, graph[id].dtype == .float, let shape = shape(id), shape.last == self.shape(b)?[axis],
      Shape(shape).count == shape.last
    else { return false }
    return graph[id].constant != nil
      || node(id)?.inputs.allSatisfy { $0.map { graph[$0].constant != nil } ?? true } ?? false
  }

  /// The node for the product of a MatMulInteger or ConvInteger, as float, and its scales.
  fileprivate func scaledProduct(_ node: Node) -> Node? {
    guard node.op.name == "Mul", node.op.isElementary, node.inputs.count == 2 else { return nil }
    for i in 0..<2 {
      guard isReadOnce(node.inputs[i]), let cast = self.node(node.inputs[i]), cast.op is Cast,
        isReadOnce(cast.inputs[0]), let product = self.node(cast.inputs[0]), let op = scaled(product.op),
        let result = node.outputs[0], graph[result].dtype == .float,
        let shape = shape(product.outputs[0]), shape == self.shape(result),
        let columns = columns(product, op), let scales = scales(node.inputs[1 - i], columns)
      else { continue }
      let zeros = (2..<4).map { product.inputs[at: $0] ?? nil }
      guard isSingle(zeros[0]), isSingle(zeros[1]) || isRow(zeros[1], Columns(count: columns.count)) else {
        return nil
      }
      return Node(
        product.name, op, [product.inputs[0], product.inputs[1], scales.a, scales.b] + zeros, node.outputs)
    }
    return nil
  }

  private func scaled(_ op: any Operator) -> QuantizedProduct? {
    op is MatMulInteger ? QuantizedProduct() : (op as? ConvInteger)?.scaled
  }

  /// What a product makes: how many columns or filters, and how many dimensions stand behind theirs.
  private struct Columns {
    let count: Dim
    var inner = 0
  }

  private func columns(_ product: Node, _ op: QuantizedProduct) -> Columns? {
    guard let shape = shape(product.inputs[1]), shape.count > 1 else { return nil }
    return op.isConvolution
      ? Columns(count: shape[0], inner: shape.count - 2) : Columns(count: shape[shape.count - 1])
  }

  private func isSingle(_ id: ValueID?) -> Bool { id.map { isOne($0) } ?? true }

  /// Whether a value has one number for each of the columns, along their dimension.
  private func isRow(_ id: ValueID?, _ columns: Columns) -> Bool {
    guard let id, let shape = shape(id), shape.count > columns.inner else { return false }
    return shape[shape.count - 1 - columns.inner] == columns.count && Shape(shape).count == columns.count
  }

  /// A scale as A's one number and B's, which may be one for each column.
  private func scales(_ id: ValueID?, _ columns: Columns) -> (a: ValueID, b: ValueID?)? {
    guard let id else { return nil }
    if let both = node(id, "Mul"), let left = both.inputs[0], let right = both.inputs[1] {
      for (a, b) in [(left, right), (right, left)] where isOne(a) && (isOne(b) || isRow(b, columns)) {
        return (a, b)
      }
    }
    return isOne(id) ? (id, nil) : nil
  }
}
