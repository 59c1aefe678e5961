import CMaasKernels
import MaasCore
import MaasGraph

/// Softmax and LogSoftmax.
package final class Softmax: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let isLog: Bool

    package static let softmax = Row(name: "Softmax", isLog: false)
    package static let logSoftmax = Row(name: "LogSoftmax", isLog: true)
  }

  let row: Row
  let axis: SoftmaxAxis
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    axis = try SoftmaxAxis(&reader)
    try reader.finish()
  }

  /// Whether it is the softmax itself, over this axis alone.
  package func isAlong(_ axis: Int, rank: Int) -> Bool { !row.isLog && self.axis.isAlong(axis, rank: rank) }

  package func infer(_ node: inout Inference) throws(MaasError) { try axis.infer(&node) }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let shape = try axis.collapsed(x.shape)
    var params = maas_f32_softmax_params()
    params.log = row.isLog
    (params.outer, params.axis, params.inner) = (Int64(shape.outer), Int64(shape.axis), Int64(shape.inner))
    try node.mayReuseElementwise(0)
    if x.dtype.isNarrowFloat, !row.isLog { return node.emitNarrowSoftmax(params, x, y) }
    let wide = x.dtype.wide
    let target = try node.target(y, wide)
    node.emitSoftmax(params, try node.converted(constant: x, wide), target)
    node.narrow(target, into: y)
  }
}

/// The axis of Softmax and its like. Before opset 13 all dimensions from it on are taken as one.
struct SoftmaxAxis {
  private let axis: Int
  private let flattens: Bool

  init(_ reader: inout AttributeReader) throws(MaasError) {
    try self.init(&reader, opset: reader.opset)
  }

  init(_ reader: inout AttributeReader, opset: Int) throws(MaasError) {
    flattens = opset < 13
    axis = try reader.int("axis") ?? (flattens ? 1 : -1)
  }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try infer(&node, DType.floats)
  }

  func infer(_ node: inout Inference, _ types: [DType]) throws(MaasError) {
    try node.expectDType(0, types)
    let shape = try node.shape(0)
    if let shape { _ = try place(shape.count) }
    node.setOutput(0, try node.dtype(0), shape)
  }

  func isAlong(_ axis: Int, rank: Int) -> Bool {
    let own = self.axis < 0 ? self.axis + rank : self.axis
    return own == axis && (!flattens || axis == rank - 1)
  }

  func check(rank: Int) throws(MaasError) { _ = try place(rank) }

  /// When flattening, the axis may be one past the last.
  private func place(_ rank: Int) throws(MaasError) -> Int {
    flattens && axis == rank ? axis : try normalized(axis: axis, rank: rank)
  }

  /// The elements before, along and behind the axis.
  func collapsed(_ shape: [Int]) throws(MaasError) -> (outer: Int, axis: Int, inner: Int) {
    let axis = try place(shape.count)
    let outer = shape[..<axis].reduce(1, *)
    let rest = shape[min(axis + 1, shape.count)...].reduce(1, *)
    let size = axis < shape.count ? shape[axis] : 1
    return flattens ? (outer, size * rest, 1) : (outer, size, rest)
  }
}

extension Lowering {
  /// Emits the softmax of floats or doubles.
  mutating func emitSoftmax(_ params: maas_f32_softmax_params, _ x: Operand, _ y: Operand) {
    guard x.dtype == .double else {
      let split = withUnsafePointer(to: params) { maas_f32_softmax_split($0) }
      return emit(maas_f32_softmax, [x, y], params, split)
    }
    emit(
      { softmaxOfDoubles(Chunk($0, $1, $2, $3)) }, [x, y], params, dtype: .double,
      items: Int(params.outer * params.inner), grain: grain(nanoseconds: 30 * Int(params.axis)))
  }
}

/// x, y. Items are rows.
private func softmaxOfDoubles(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(maas_f32_softmax_params.self).pointee
  let (count, inner) = (Int(params.axis), Int(params.inner))
  let exp = maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0)
  let log = maas_f32_activation(op: MAAS_UNARY_LOG, alpha: 0, beta: 0)
  for item in chunk.begin..<chunk.end {
    let first = item / inner * count * inner + item % inner
    let (x, y) = (chunk.input(0, as: Double.self) + first, chunk.output(1, as: Double.self) + first)
    var largest = -Double.infinity
    for i in 0..<count { largest = Double.greatest(largest, x[i * inner]) }
    var sum = 0.0
    for i in 0..<count { sum += maas_f64_unary(exp, x[i * inner] - largest) }
    let shift = largest + maas_f64_unary(log, sum)
    for i in 0..<count {
      y[i * inner] =
        params.log ? x[i * inner] - shift : maas_f64_unary(exp, x[i * inner] - largest) / sum
    }
  }
  return StepStatus.ok
}
