import CMaasKernels
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits the reduction of x over the named axes, each in 0..<rank.
  mutating func emitReduce(
    _ op: maas_reduce, _ x: Operand, _ y: Operand, _ axes: [Int]
  ) throws(MaasError) {
    if x.dtype != .float { return try emitReduceKernel(op, x, y, axes) }
    // The kernel's limit is on dimensions that are left after neighbours of one kind are merged.
    var params = maas_f32_reduce_params()
    params.op = op
    let (dims, reduced) = try mergedRuns(x.shape, axes)
    params.rank = Int32(dims.count)
    assign(&params.dims, dims)
    withUnsafeMutableBytes(of: &params.reduced) { bytes in
      for (d, flag) in reduced.enumerated() { bytes[d] = flag ? 1 : 0 }
    }
    let split = maas_f32_reduce_split(&params)
    emit(maas_f32_reduce, [x, y], params, split)
  }

  private func mergedRuns(_ shape: [Int], _ axes: [Int]) throws(MaasError) -> (dims: [Int], reduced: [Bool]) {
    var dims: [Int] = []
    var reduced: [Bool] = []
    for (d, count) in shape.enumerated() where count != 1 {
      let isReduced = axes.contains(d)
      if reduced.last == isReduced {
        dims[dims.count - 1] *= count
      } else {
        dims.append(count)
        reduced.append(isReduced)
      }
    }
    guard dims.count <= Int(MAAS_MAX_RANK) else {
      throw MaasError(.unsupported, "the tensor has too many dimensions", found: describe(shape))
    }
    return (dims, reduced)
  }

  private mutating func emitReduceKernel(
    _ op: maas_reduce, _ x: Operand, _ y: Operand, _ axes: [Int]
  ) throws(MaasError) {
    let strides = contiguousStrides(x.shape)
    let inner = axes.sorted()
    let outer = x.shape.indices.filter { !axes.contains($0) }
    let rows = try Walk(outer.map { x.shape[$0] }, strides: [outer.map { strides[$0] }])
    let columns = try Walk(inner.map { x.shape[$0] }, strides: [inner.map { strides[$0] }])
    let params = ReduceParams(
      op: op, count: columns.count, rows: WalkParams(rows), columns: WalkParams(columns))
    emit(
      { dispatch(ReduceKernel.self, Chunk($0, $1, $2, $3)) }, [x, y], params, dtype: x.dtype, items: y.count,
      grain: grain(nanoseconds: 4 * columns.count))
  }
}

private struct ReduceParams {
  let op: maas_reduce
  /// Elements that become one.
  let count: Int
  let rows: WalkParams
  let columns: WalkParams
}

/// x, y. Items are elements of y. Sums are kept in 64 bits.
private enum ReduceKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(ReduceParams.self)
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: T.self))
    let step = params.pointee.rows.rowStrides.a
    params.pointee.rows.forEachRow(chunk.begin, chunk.end) { at, from, _, _, count in
      for i in 0..<count { y[at + i] = T(narrowing: reduced(params, x + from + i * step)) }
    }
    return StepStatus.ok
  }

  private static func reduced<T: Number>(
    _ params: UnsafePointer<ReduceParams>, _ x: UnsafePointer<T>
  ) -> T.Wide {
    let op = params.pointee.op
    // The largest element keeps the exponentials of LogSumExp in range.
    let shift = op == MAAS_REDUCE_LOG_SUM_EXP ? fold(params, x, MAAS_REDUCE_MAX, .zero) : .zero
    let base: T.Wide = shift > .lowest && shift < .highest ? shift : .zero
    let result = fold(params, x, op, base)
    let count = T.Wide(truncating: Double(params.pointee.count))
    switch op {
    case MAAS_REDUCE_MEAN:
      // Without elements: NaN for floats; integers have no such value.
      return T.Wide.quotient(result, count) ?? .zero
    case MAAS_REDUCE_L2: return T.Wide(truncating: result.double.squareRoot())
    case MAAS_REDUCE_LOG_SUM: return logarithm(result)
    case MAAS_REDUCE_LOG_SUM_EXP: return T.Wide.sum(logarithm(result), base)
    default: return result
    }
  }

  private static func fold<T: Number>(
    _ params: UnsafePointer<ReduceParams>, _ x: UnsafePointer<T>, _ op: maas_reduce, _ base: T.Wide
  ) -> T.Wide {
    var result = start(op, T.self)
    let step = params.pointee.columns.rowStrides.a
    params.pointee.columns.forEachRow(0, params.pointee.count) { _, from, _, _, count in
      for i in 0..<count { result = combined(op, result, x[from + i * step].wide, base) }
    }
    return result
  }

  private static func start<T: Number>(_ op: maas_reduce, _ type: T.Type) -> T.Wide {
    switch op {
    case MAAS_REDUCE_MAX: T.lowest.wide
    case MAAS_REDUCE_MIN: T.highest.wide
    case MAAS_REDUCE_PROD: .one
    default: .zero
    }
  }

  @inline(__always)
  private static func combined<W: Number>(_ op: maas_reduce, _ a: W, _ b: W, _ base: W) -> W {
    switch op {
    case MAAS_REDUCE_MAX: W.greatest(a, b)
    case MAAS_REDUCE_MIN: W.least(a, b)
    case MAAS_REDUCE_PROD: W.product(a, b)
    case MAAS_REDUCE_L1: W.sum(a, b.magnitudeOrSelf)
    case MAAS_REDUCE_L2, MAAS_REDUCE_SUM_SQUARE: W.sum(a, W.product(b, b))
    case MAAS_REDUCE_LOG_SUM_EXP: W.sum(a, exponential(W.difference(b, base)))
    default: W.sum(a, b)
    }
  }

  private static func exponential<W: Number>(_ x: W) -> W {
    W(truncating: maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0), x.double))
  }

  private static func logarithm<W: Number>(_ x: W) -> W {
    W(truncating: maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_LOG, alpha: 0, beta: 0), x.double))
  }
}
