import CMaasKernels
import MaasCore
import MaasGraph

/// Sums of products over the dimensions that the equation's result leaves out.
///
/// Operands are contracted from left to right. A dimension that only one operand has is summed at once; two operands
/// become a batched matrix product, or an element-wise one where they have nothing to sum over in common.
package final class Einsum: ReadableOperator {
  package let name = "Einsum"
  let terms: [[UInt8]]
  let result: [UInt8]?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let text = try reader.string("equation") else {
      throw MaasError(.invalidModel, "attribute 'equation' is missing")
    }
    (terms, result) = try Equation.parsed(text)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...Int.max)
    try node.expectDType(0, DType.numbers)
    try node.expectSameDTypes(node.inputs.indices)
    var shapes: [[Dim]] = []
    for i in node.inputs.indices {
      guard let shape = try node.shape(i) else { return node.setOutput(0, try node.dtype(0), nil) }
      shapes.append(shape)
    }
    let equation = try Equation(terms, result, ranks: shapes.map { $0.count })
    let dims = try equation.dims(shapes)
    node.setOutput(0, try node.dtype(0), equation.result.compactMap { dims[$0] })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    guard y.count > 0 else { return }
    var operands: [Operand] = []
    for i in node.inputs.indices {
      let x = try node.input(i)
      operands.append(x.dtype.isNarrowFloat ? try node.widened(x) : x)
    }
    // A sum over nothing.
    if operands.contains(where: { $0.count == 0 }) { return try node.emitFill(y, try zero(y.dtype)) }
    let equation = try Equation(terms, result, ranks: operands.map { $0.rank })
    let target = y.dtype.isNarrowFloat ? try node.widenedTarget(y) : y
    // Dimensions of 1 say nothing.
    let kept = zip(equation.result, y.shape).filter { $1 != 1 }
    let goal = Factor(operand: try target.reshaped(kept.map { $1 }), labels: kept.map { $0.0 })
    var factors: [Factor] = []
    for (x, labels) in zip(operands, equation.operands) { factors.append(try node.diagonal(x, labels)) }
    try node.emitContractions(factors, goal)
    node.narrow(target, into: y)
  }
}

/// A contiguous tensor with a label for each dimension, each once, none of size 1.
private struct Factor {
  let operand: Operand
  let labels: [Equation.Label]

  func size(_ label: Equation.Label) -> Int {
    labels.firstIndex(of: label).map { operand.shape[$0] } ?? 1
  }
}

extension Lowering {
  fileprivate mutating func emitContractions(_ factors: [Factor], _ goal: Factor) throws(MaasError) {
    var rest = factors
    while rest.count > 1 {
      let others = goal.labels + rest.dropFirst(2).flatMap { $0.labels }
      let a = try summed(rest[0], keeping: others + rest[1].labels)
      let b = try summed(rest[1], keeping: others + rest[0].labels)
      let contraction = Contraction(a, b, keeping: others, goal.labels)
      let isLast = rest.count == 2 && contraction.labels == goal.labels
      rest.replaceSubrange(..<2, with: [try emit(contraction, isLast ? goal : nil)])
    }
    let result = try summed(rest[0], keeping: goal.labels)
    if result.operand.buffer != goal.operand.buffer { try emitOrder(result, goal) }
  }

  /// The factor without dimensions of 1, labels that occur several times taken along the diagonal.
  fileprivate mutating func diagonal(_ x: Operand, _ labels: [Equation.Label]) throws(MaasError) -> Factor {
    let own = contiguousStrides(x.shape)
    var (kept, shape, strides): ([Equation.Label], [Int], [Int]) = ([], [], [])
    for (d, label) in labels.enumerated() where x.shape[d] != 1 {
      if let place = kept.firstIndex(of: label) {
        strides[place] += own[d]
      } else {
        kept.append(label)
        shape.append(x.shape[d])
        strides.append(own[d])
      }
    }
    if elementCount(shape) == x.count { return Factor(operand: try x.reshaped(shape), labels: kept) }
    let y = try temporary(x.dtype, shape)
    try emitCopy(x, y, shape, xStrides: strides, yStrides: contiguousStrides(shape))
    return Factor(operand: y, labels: kept)
  }

  /// The factor summed over all labels but these.
  private mutating func summed(_ x: Factor, keeping labels: [Equation.Label]) throws(MaasError) -> Factor {
    let axes = x.labels.indices.filter { !labels.contains(x.labels[$0]) }
    if axes.isEmpty { return x }
    let kept = x.labels.indices.filter { !axes.contains($0) }
    let y = try temporary(x.operand.dtype, kept.map { x.operand.shape[$0] })
    try emitReduce(MAAS_REDUCE_SUM, x.operand, y, axes)
    return Factor(operand: y, labels: kept.map { x.labels[$0] })
  }

  /// Copies x to y, which has the same labels in another order.
  private mutating func emitOrder(_ x: Factor, _ y: Factor) throws(MaasError) {
    let own = contiguousStrides(x.operand.shape)
    let strides = y.labels.map { label in x.labels.firstIndex(of: label).map { own[$0] } ?? 0 }
    let shape = y.operand.shape
    try emitCopy(x.operand, y.operand, shape, xStrides: strides, yStrides: contiguousStrides(shape))
  }

  /// The factor with its labels in this order.
  private mutating func ordered(_ x: Factor, _ labels: [Equation.Label]) throws(MaasError) -> Operand {
    if x.labels == labels { return x.operand }
    let y = Factor(operand: try temporary(x.operand.dtype, labels.map { x.size($0) }), labels: labels)
    try emitOrder(x, y)
    return y.operand
  }

  private mutating func emit(_ pair: Contraction, _ goal: Factor?) throws(MaasError) -> Factor {
    let shape = pair.labels.map { max(pair.a.size($0), pair.b.size($0)) }
    let y: Operand
    if let goal { y = goal.operand } else { y = try temporary(pair.a.operand.dtype, shape) }
    if pair.summed.isEmpty {
      let (ones, alone) = (pair.bAlone.map { _ in 1 }, pair.aAlone.map { _ in 1 })
      let a = try ordered(pair.a, pair.batch + pair.aAlone)
      let b = try ordered(pair.b, pair.batch + pair.bAlone)
      let wide = pair.batch.map { pair.b.size($0) } + alone + pair.bAlone.map { pair.b.size($0) }
      try emitBinary(.mul, try a.reshaped(a.shape + ones), try b.reshaped(wide), y)
    } else {
      try emitProduct(pair, y)
    }
    return Factor(operand: y, labels: pair.labels)
  }

  /// Each operand is taken as it lies if that is some order of a matrix, else put in order first.
  private mutating func emitProduct(_ pair: Contraction, _ y: Operand) throws(MaasError) {
    let size = { (labels: [Equation.Label]) in labels.reduce(1) { $0 * max(pair.a.size($1), pair.b.size($1)) }
    }
    let (batch, m) = (size(pair.batch), size(pair.aAlone))
    var product = MatrixProduct(m: m, n: size(pair.bAlone), k: size(pair.summed))
    let aIsTransposed = pair.a.labels == pair.batch + pair.summed + pair.aAlone && m > 1
    let bIsTransposed = pair.b.labels == pair.batch + pair.bAlone + pair.summed
    if aIsTransposed { (product.aRow, product.aColumn) = (1, m) }
    if bIsTransposed { (product.bRow, product.bColumn) = (1, product.k) }
    let a = aIsTransposed ? pair.a.operand : try ordered(pair.a, pair.batch + pair.aAlone + pair.summed)
    let b = bIsTransposed ? pair.b.operand : try ordered(pair.b, pair.batch + pair.summed + pair.bAlone)
    try product.setBatch([batch], [batch], to: [batch])
    if a.dtype == .float { return try emitProduct(product, a, b, nil, nil, y) }
    try emitPlainProduct(product, a, b, nil, y)
  }
}

/// Two factors, and what becomes of their labels.
private struct Contraction {
  let a: Factor
  let b: Factor
  /// Labels of both that stay, of one alone, and of both that are summed over.
  let batch, aAlone, bAlone, summed: [Equation.Label]

  /// `goal` tells which factor's labels should come first.
  init(_ x: Factor, _ y: Factor, keeping labels: [Equation.Label], _ goal: [Equation.Label]) {
    let batch = x.labels.filter { y.labels.contains($0) && labels.contains($0) }
    func alone(_ x: Factor, _ y: Factor) -> [Equation.Label] { x.labels.filter { !y.labels.contains($0) } }
    let swaps = goal == batch + alone(y, x) + alone(x, y)
    (a, b) = swaps ? (y, x) : (x, y)
    self.batch = batch
    (aAlone, bAlone) = (alone(a, b), alone(b, a))
    summed = x.labels.filter { y.labels.contains($0) && !labels.contains($0) }
  }

  var labels: [Equation.Label] { batch + aAlone + bAlone }
}
