import MaasCore
import MaasGraph

/// Attention whose scores and probabilities graphs of the model's own may change:
/// Y = prob_mod(softmax(score_mod(scale Q K'))) V, with heads in the second of four dimensions.
package enum FlexAttention {
  package static func make(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    let scale = try reader.float("scale")
    let precision = try reader.dtype("softmax_precision")
    let scoreMod = reader.has("score_mod") ? try reader.graph("score_mod") : nil
    let probMod = reader.has("prob_mod") ? try reader.graph("prob_mod") : nil
    try reader.finish()
    if scoreMod == nil, probMod == nil { return PlainFlexAttention(scale) }
    return try ModifiedAttention(scale, precision, scoreMod, probMod)
  }

  fileprivate static func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    for i in 0..<3 {
      try node.expectSameDType(0, i)
      try node.expectRank(i, 4)
    }
    let q = try node.shape(0) ?? node.unknownShape(rank: 4)
    let k = try node.shape(1) ?? node.unknownShape(rank: 4)
    let v = try node.shape(2) ?? node.unknownShape(rank: 4)
    let shapes = try Attention(scale: nil).shapes(q, k, v, past: nil)
    try shapes.check()
    node.setOutput(0, try node.dtype(0), shapes.y)
  }
}

/// Without graphs it is plain attention.
private final class PlainFlexAttention: Operator {
  let name = "FlexAttention"
  private let attention: Attention

  init(_ scale: Float?) { attention = Attention(scale: scale) }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try FlexAttention.infer(&node)
  }

  func lower(_ node: inout Lowering) throws(MaasError) { try attention.lower(&node) }
}

/// With graphs all of it becomes one body. Inputs are Q, K, V, the captures of `score_mod`, those of `prob_mod`.
private final class ModifiedAttention: HostOperator {
  let name = "FlexAttention"
  private let body: Graph

  init(
    _ scale: Float?, _ precision: DType?, _ scoreMod: Graph?, _ probMod: Graph?
  ) throws(MaasError) {
    var body = Graph(name)
    body.inputs = ["Q", "K", "V"].map { body.add(Value($0)) }
    let (q, k, v) = (body.inputs[0], body.inputs[1], body.inputs[2])
    var scores = body.add(HeadProduct(.scores, scale, precision), [q, k], name: "scores")[0]
    scores = try body.splice(scoreMod, scores)
    var reader = AttributeReader([], opset: 13, inputCount: 1, outputCount: 1)
    var weights = body.add(try Softmax(.softmax, &reader), [scores], name: "probabilities")[0]
    weights = try body.splice(probMod, weights)
    body.outputs = body.add(HeadProduct(.values), [weights, v], name: "Y")
    self.body = body
  }

  var bodies: [Graph] { [body] }

  func infer(_ node: inout Inference) throws(MaasError) { try FlexAttention.infer(&node) }

  func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    guard let runner = call.bodies.first else { throw MaasError(.internal, "the body is missing") }
    var inputs: [Datum] = []
    for i in 0..<3 { inputs.append(try call.input(i)) }
    var results: [Datum] = []
    try runner.run(&inputs, &results)
    return results.map { $0 }
  }
}

extension Graph {
  /// Adds what `other` does to its one input, with `value` for that; what it captures is captured here too. The result
  /// is its one output, or `value` without a graph.
  fileprivate mutating func splice(_ other: Graph?, _ value: ValueID) throws(MaasError) -> ValueID {
    guard let other else { return value }
    guard other.inputs.count - other.captureCount == 1, other.outputs.count == 1 else {
      throw MaasError(
        .invalidModel, "the body '\(other.name)' has the wrong number of inputs or outputs",
        expected: "1 of each",
        found: "\(other.inputs.count - other.captureCount) and \(other.outputs.count)")
    }
    var ids: [ValueID] = []
    for own in other.values.indices {
      ids.append(own == other.inputs[0].index ? value : add(other.values[own]))
    }
    inputs += other.inputs.dropFirst().map { ids[$0.index] }
    captureCount += other.captureCount
    for var node in other.nodes {
      node.inputs = node.inputs.map { $0.map { ids[$0.index] } }
      node.outputs = node.outputs.map { $0.map { ids[$0.index] } }
      nodes.append(node)
    }
    return ids[other.outputs[0].index]
  }
}

/// One of attention's two products for all heads: scale Q K' in the precision of the softmax, or probabilities times
/// V in V's element type.
private final class HeadProduct: Operator {
  enum Kind { case scores, values }

  let name = "FlexAttention"
  private let kind: Kind
  private let scale: Float?
  private let precision: DType?

  init(_ kind: Kind, _ scale: Float? = 1, _ precision: DType? = nil) {
    (self.kind, self.scale, self.precision) = (kind, scale, precision)
  }

  func infer(_ node: inout Inference) throws(MaasError) {
    for i in 0..<2 {
      try node.expectDType(i, DType.floats)
      try node.expectRank(i, 4)
    }
    let a = try node.shape(0) ?? node.unknownShape(rank: 4)
    let b = try node.shape(1) ?? node.unknownShape(rank: 4)
    let dtype = try node.dtype(1)
    _ = try unified(a[3], b[kind == .scores ? 3 : 2], "the inner dimensions of attention's products")
    node.setOutput(
      0, kind == .scores ? precision ?? dtype.wide : dtype, [a[0], a[1], a[2], kind == .scores ? b[2] : b[3]])
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    let wide: DType = [a, b, y].contains { $0.dtype == .double } ? .double : .float
    var product = MatrixProduct(m: y.shape[2], n: y.shape[3], k: a.shape[3])
    if kind == .scores {
      (product.bRow, product.bColumn) = (1, product.k)
      product.alpha = scale ?? 1 / Float(product.k).squareRoot()
    }
    let heads = [b.shape[0], b.shape[1], a.shape[1] / b.shape[1]]
    try product.setBatch(heads, [b.shape[0], b.shape[1], 1], to: heads)
    let (left, right) = (try node.converted(a, wide), try node.converted(b, wide))
    let target = try node.target(y, wide)
    if wide == .double {
      try node.emitPlainProduct(product, left, right, nil, target)
    } else {
      try node.emitProduct(product, left, right, nil, nil, target)
    }
    node.narrow(target, into: y)
  }
}
