import CMaasKernels
import MaasCore
import MaasGraph

extension Reduce {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let (dy, x, axes) = (try node.gradient(), try node.input(0), node.optionalInput(1))
    if row.op == MAAS_REDUCE_SUM || row.op == MAAS_REDUCE_MEAN {
      let spread = Like(.spread(self, isMean: row.op == MAAS_REDUCE_MEAN))
      return try node.contribute(node.add(spread, [dy, x, axes]), to: 0)
    }
    let op = ReduceGradient(row.op) { [self] (node, rank) throws(MaasError) in
      try self.axes(node, input: 3, rank: rank)
    }
    try node.contribute(node.add(op, [dy, x, try node.output(), axes]), to: 0)
  }
}

extension GlobalPool {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard exponent == 2 else { throw MaasError(.unsupported, "the operator has no gradient for this p") }
    let op = ReduceGradient(row.op) { (_, rank) in Array(2..<rank) }
    try node.contribute(node.add(op, [try node.gradient(), try node.input(0), try node.output()]), to: 0)
  }
}

/// The gradient of a reduction. Inputs: dy, x, y, and the axes where they are an input.
final class ReduceGradient: Operator {
  typealias Axes = @Sendable (Lowering, Int) throws(MaasError) -> [Int]

  let name = "ReduceGradient"
  private let op: maas_reduce
  private let axes: Axes

  init(_ op: maas_reduce, _ axes: @escaping Axes) { (self.op, self.axes) = (op, axes) }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    if node.has(3) { _ = try node.integers(3) }
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y, dx) = (try node.input(1), try node.input(2), try node.output())
    let (axes, wide) = (try axes(node, x.rank), x.dtype.wide)
    let target = try node.target(dx, wide)
    let shape = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
    let walk = WalkParams(try Walk(broadcasting: [shape], to: x.shape))
    let share = Double(y.count) / Double(max(1, x.count))
    func params(_ rule: ReduceRule) -> ReduceGradientParams { ReduceGradientParams(rule: rule, walk: walk) }
    if op == MAAS_REDUCE_MEAN {
      try emitMean(&node, share, shape, target)
      return node.narrow(target, into: dx)
    }
    let from = try node.converted(x, wide)
    var operands: [Operand?] = [
      from, try node.converted(try node.input(0), wide), try node.converted(y, wide),
    ]
    if [MAAS_REDUCE_MAX, MAAS_REDUCE_MIN, MAAS_REDUCE_PROD].contains(op) {
      // What the rule needs to know of a whole row: how many elements are equal or 0, and the product of the others.
      let isProduct = op == MAAS_REDUCE_PROD
      let (marks, counts) = (try node.temporary(wide, x.shape), try node.temporary(wide, shape))
      node.emitReduceGradient(params(isProduct ? .isZero : .isEqual), operands + [nil, marks])
      try node.emitReduce(MAAS_REDUCE_SUM, marks, counts, axes)
      operands.append(counts)
      if isProduct {
        let product = try node.temporary(wide, shape)
        node.emitReduceGradient(params(.oneForZero), Array(operands.prefix(3)) + [nil, marks])
        try node.emitReduce(MAAS_REDUCE_PROD, marks, product, axes)
        operands[2] = product
      }
    }
    if operands.count < 4 { operands.append(nil) }
    node.emitReduceGradient(params(ReduceRule(op)), operands + [target])
    node.narrow(target, into: dx)
  }
}

extension ReduceGradient {
  /// Emits dx = dy times the share that an element has in the mean.
  private func emitMean(
    _ node: inout Lowering, _ share: Double, _ shape: [Int], _ dx: Operand
  ) throws(MaasError) {
    let dy = try node.converted(try node.input(0), dx.dtype)
    let scaled = try node.temporary(dx.dtype, shape)
    let view = try Operand(dy.buffer, dy.dtype, shape)
    try node.emitBinary(.mul, view, try node.scalar(share, dx.dtype), scaled)
    try node.emitBroadcast(scaled, dx)
  }
}

/// What an element of the result is, out of x, dy, y and a count; see `ReduceGradientKernel`.
private enum ReduceRule {
  case absolute, sumSquare, norm, logSum, logSumExp, product, extreme
  case isZero, isEqual, oneForZero

  init(_ op: maas_reduce) {
    switch op {
    case MAAS_REDUCE_L1: self = .absolute
    case MAAS_REDUCE_L2: self = .norm
    case MAAS_REDUCE_SUM_SQUARE: self = .sumSquare
    case MAAS_REDUCE_LOG_SUM: self = .logSum
    case MAAS_REDUCE_LOG_SUM_EXP: self = .logSumExp
    case MAAS_REDUCE_PROD: self = .product
    default: self = .extreme
    }
  }
}

private struct ReduceGradientParams {
  let rule: ReduceRule
  /// Over x; the one stride is of what the reduction made.
  let walk: WalkParams
}

extension Lowering {
  fileprivate mutating func emitReduceGradient(_ params: ReduceGradientParams, _ operands: [Operand?]) {
    guard case .some(.some(let x)) = operands.first else { return }
    emit(
      { dispatch(ReduceGradientKernel.self, Chunk($0, $1, $2, $3)) }, operands, params, dtype: x.dtype,
      items: x.count, grain: grain(nanoseconds: params.rule == .logSum || params.rule == .logSumExp ? 15 : 2))
  }
}

/// x, dy, y, counts or NULL, the result.
private enum ReduceGradientKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(ReduceGradientParams.self)
    let (x, dy, y) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.input(2, as: T.self))
    let (counts, dx) = (chunk.optional(3, as: T.self), chunk.output(4, as: T.self))
    let (rule, step) = (params.pointee.rule, params.pointee.walk.rowStrides.a)
    params.pointee.walk.forEachRow(chunk.begin, chunk.end) { at, from, _, _, count in
      for i in 0..<count {
        let j = from + i * step
        dx[at + i] = value(rule, x[at + i], dy[j], y[j], counts?[j] ?? 0)
      }
    }
    return StepStatus.ok
  }

  @inline(__always)
  private static func value<T: Number & BinaryFloatingPoint>(
    _ rule: ReduceRule, _ x: T, _ dy: T, _ y: T, _ count: T
  ) -> T {
    switch rule {
    case .absolute: x > 0 ? dy : x < 0 ? -dy : 0
    case .sumSquare: 2 * x * dy
    case .norm: y == 0 ? 0 : x / y * dy
    case .logSum: dy * exponential(-y)
    case .logSumExp: dy * exponential(x - y)
    case .product: count == 0 ? dy * y / x : count == 1 && x == 0 ? dy * y : 0
    case .extreme: x == y ? dy / count : 0
    case .isZero: x == 0 ? 1 : 0
    case .isEqual: x == y ? 1 : 0
    case .oneForZero: x == 0 ? 1 : x
    }
  }

  private static func exponential<T: Number & BinaryFloatingPoint>(_ x: T) -> T {
    T(maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0), Double(x)))
  }
}
