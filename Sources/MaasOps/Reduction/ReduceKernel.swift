import CMaasKernels
import MaasCore
import MaasGraph

extension Lowering {
  /// Emits the reduction of x over the named axes, each in 0..<rank.
  mutating func emitReduce(
    _ op: maas_reduce, _ x: Operand, _ y: Operand, _ axes: [Int]
  ) throws(MaasError) {
    if x.dtype != .float {
      let wide = try converted(x, x.dtype.reducedType)
      let result = try target(y, wide.dtype)
      if x.count == 0, [MAAS_REDUCE_MAX, MAAS_REDUCE_MIN].contains(op), x.dtype.bitWidth < 64,
        wide.dtype == .int64
      {
        return try emitFill(y, try cast(try x.dtype.bound(isLowest: op == MAAS_REDUCE_MAX), to: y.dtype))
      }
      try emitReduceKernel(op, wide, result, axes)
      return narrow(result, into: y)
    }
    // The kernel's limit is on dimensions that are left after neighbours of one kind are merged.
    let (dims, reduced) = try mergedRuns(x.shape, axes)
    emitReduce(op, x, y, dims: dims, reduced: reduced)
  }

  /// Emits the reduction of floats of this shape over the dimensions that are marked.
  mutating func emitReduce(_ op: maas_reduce, _ x: Operand, _ y: Operand, dims: [Int], reduced: [Bool]) {
    var params = maas_f32_reduce_params()
    params.op = op
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
      { dispatchReduced(ReduceKernel.self, Chunk($0, $1, $2, $3)) }, [x, y], params, dtype: x.dtype,
      items: y.count,
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

extension DType {
  /// The smallest or largest number of an integer type of less than 64 bits.
  fileprivate func bound(isLowest: Bool) throws(MaasError) -> Tensor {
    let (low, high): (Int64, Int64) =
      DType.signedIntegers.contains(self)
      ? (-1 << Int64(bitWidth - 1), 1 << Int64(bitWidth - 1) - 1) : (0, 1 << Int64(bitWidth) - 1)
    return try Tensor(.int64, [], [isLowest ? low : high])
  }

  /// What reductions of numbers other than float are computed in.
  fileprivate var reducedType: DType {
    self == .uint64 ? .uint64 : DType.floats.contains(self) ? .double : .int64
  }
}

private func dispatchReduced<K: NumberKernel>(_ kernel: K.Type, _ chunk: Chunk) -> Int32 {
  switch DType(rawValue: chunk.step.pointee.dtype) {
  case .double: K.run(chunk, Double.self)
  case .uint64: K.run(chunk, UInt64.self)
  default: K.run(chunk, Int64.self)
  }
}

/// x, y. Items are elements of y.
private enum ReduceKernel: NumberKernel {
  /// Neighbours in y that are computed together.
  private static let block = 64

  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(ReduceParams.self)
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: T.self))
    let step = params.pointee.rows.rowStrides.a
    params.pointee.rows.forEachRow(chunk.begin, chunk.end) { at, from, _, _, count in
      for i in stride(from: 0, to: count, by: block) {
        reduce(params, x + from + i * step, y + at + i, min(block, count - i), apart: step)
      }
    }
    return StepStatus.ok
  }

  /// `width` neighbours of y, whose elements of x are `apart` elements apart.
  private static func reduce<T: Number>(
    _ params: UnsafePointer<ReduceParams>, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ width: Int,
    apart: Int
  ) {
    let op = params.pointee.op
    if op == MAAS_REDUCE_LOG_SUM_EXP {
      for j in 0..<width { y[j] = logSumExp(params, x + j * apart) }
      return
    }
    fold(params, op, x, y, width, apart)
    let count = T(truncating: Double(params.pointee.count))
    for j in 0..<width {
      switch op {
      // Without elements: NaN for floats; integers have no such value.
      case MAAS_REDUCE_MEAN: y[j] = T.quotient(y[j], count) ?? .zero
      case MAAS_REDUCE_L2: y[j] = T(truncating: y[j].double.squareRoot())
      case MAAS_REDUCE_LOG_SUM: y[j] = logarithm(y[j])
      default: break
      }
    }
  }

  /// The largest element keeps the exponentials in range.
  private static func logSumExp<T: Number>(_ params: UnsafePointer<ReduceParams>, _ x: UnsafePointer<T>) -> T
  {
    var most = T.zero
    fold(params, MAAS_REDUCE_MAX, x, &most, 1, 1)
    let base: T = most > .lowest && most < .highest ? most : .zero
    var sum = T.zero
    fold(params, x, &sum, 1, 1, .zero) { T.sum($0, exponential(T.difference($1, base))) }
    return T.sum(logarithm(sum), base)
  }

  private static func fold<T: Number>(
    _ params: UnsafePointer<ReduceParams>, _ op: maas_reduce, _ x: UnsafePointer<T>,
    _ y: UnsafeMutablePointer<T>, _ width: Int, _ apart: Int
  ) {
    switch op {
    case MAAS_REDUCE_MAX: fold(params, x, y, width, apart, .lowest) { T.greatest($0, $1) }
    case MAAS_REDUCE_MIN: fold(params, x, y, width, apart, .highest) { T.least($0, $1) }
    case MAAS_REDUCE_PROD: fold(params, x, y, width, apart, .one) { T.product($0, $1) }
    case MAAS_REDUCE_L1: fold(params, x, y, width, apart, .zero) { T.sum($0, $1.magnitudeOrSelf) }
    case MAAS_REDUCE_L2, MAAS_REDUCE_SUM_SQUARE:
      fold(params, x, y, width, apart, .zero) { T.sum($0, T.product($1, $1)) }
    default: fold(params, x, y, width, apart, .zero) { T.sum($0, $1) }
    }
  }

  @inline(__always)
  private static func fold<T: Number>(
    _ params: UnsafePointer<ReduceParams>, _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, _ width: Int,
    _ apart: Int, _ start: T, _ combine: (T, T) -> T
  ) {
    let step = params.pointee.columns.rowStrides.a
    if width == 1 || apart != 1 {
      for j in 0..<width {
        var total = start
        params.pointee.columns.forEachRow(0, params.pointee.count) { _, from, _, _, count in
          let row = x + (j &* apart &+ from)
          if step == 1 {
            for i in 0..<count { total = combine(total, row[i]) }
          } else {
            for i in 0..<count { total = combine(total, row[i &* step]) }
          }
        }
        y[j] = total
      }
      return
    }
    var totals = InlineArray<64, T>(repeating: start)
    params.pointee.columns.forEachRow(0, params.pointee.count) { _, from, _, _, count in
      for i in 0..<count {
        let row = x + (from + i * step)
        for j in 0..<width { totals[unchecked: j] = combine(totals[unchecked: j], row[j]) }
      }
    }
    for j in 0..<width { y[j] = totals[j] }
  }

  private static func exponential<T: Number>(_ x: T) -> T {
    T(truncating: maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_EXP, alpha: 0, beta: 0), x.double))
  }

  private static func logarithm<T: Number>(_ x: T) -> T {
    T(truncating: maas_f64_unary(maas_f32_activation(op: MAAS_UNARY_LOG, alpha: 0, beta: 0), x.double))
  }
}
