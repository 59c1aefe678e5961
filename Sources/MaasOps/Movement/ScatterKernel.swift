import CMaasSystem
import MaasCore
import MaasGraph

/// What becomes of an element that is scattered to: it is replaced, or combined with the update.
enum ScatterReduction: Int32 {
  case none, add, mul, max, min

  init(_ reader: inout AttributeReader) throws(MaasError) {
    let names: [(name: String, reduction: ScatterReduction)] = [
      ("none", .none), ("add", .add), ("mul", .mul), ("max", .max), ("min", .min),
    ]
    let name = reader.opset < 16 ? "none" : try reader.string("reduction") ?? "none"
    guard let reduction = names.first(where: { $0.name == name })?.reduction else {
      throw MaasError(
        .invalidModel, "attribute 'reduction' has an unknown value", expected: "none, add, mul, max or min",
        found: name)
    }
    self = reduction
  }
}

extension Inference {
  /// Checks data and updates of a scatter; the output is like the data.
  mutating func inferScatter(updates: Int, _ reduction: ScatterReduction) throws(MaasError) {
    try expectMovable(0)
    if reduction != .none { try expectDType(0, DType.numbers) }
    try expectSameDType(0, updates)
    setOutput(0, try dtype(0), try shape(0))
  }
}

extension Lowering {
  /// Emits output 0 as input 0 with `updates` scattered over it: update i is `inner` elements that go to row
  /// `rows[i]` (int64, checked already) of the output seen as rows of `inner` elements.
  mutating func emitScatter(
    _ updates: Operand, rows: Operand, inner: Int, _ reduction: ScatterReduction
  ) throws(MaasError) {
    let (x, y) = (try input(0), try output())
    mayReuseAlone(0)
    emitStart(x, y)
    let params = ScatterParams(count: rows.count, inner: inner, reduction: reduction.rawValue)
    let run: maas_step_run =
      reduction == .none
      ? { dispatch(ReplaceKernel.self, Chunk($0, $1, $2, $3)) }
      : { dispatch(CombineKernel.self, Chunk($0, $1, $2, $3)) }
    guard rows.count > 0 else { return }
    // Two updates may go to one row: each thread takes some columns of all rows.
    emit(
      run, [updates, rows, y], params, dtype: y.dtype, items: inner,
      grain: max(min(inner, 64), grain(nanoseconds: rows.count)))
  }

  /// Emits a copy of x's bytes to y; nothing is done where y lies over x.
  mutating func emitStart(_ x: Operand, _ y: Operand) {
    emit(
      { step, begin, end, worker in
        let chunk = Chunk(step, begin, end, worker)
        let (from, to) = (chunk.input(0, as: UInt8.self), chunk.output(1, as: UInt8.self))
        if from != to { maas_sys_copy(to + chunk.begin, from + chunk.begin, chunk.end - chunk.begin) }
        return StepStatus.ok
      }, [x, y], UInt8(0), dtype: x.dtype, items: x.byteCount, grain: 1 << 17)
  }
}

private struct ScatterParams {
  let count: Int
  let inner: Int
  let reduction: Int32
}

/// updates, rows, y. Items are columns.
private enum ReplaceKernel: MovementKernel {
  static func run<T: BitwiseCopyable>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(ScatterParams.self).pointee
    let (updates, rows) = (chunk.input(0, as: T.self), chunk.input(1, as: Int64.self))
    let y = chunk.output(2, as: T.self)
    let (first, width) = (chunk.begin, chunk.end - chunk.begin)
    for i in 0..<params.count {
      let (to, from) = (y + (Int(rows[i]) * params.inner + first), updates + (i * params.inner + first))
      if width == 1 { to[0] = from[0] } else { maas_sys_copy(to, from, width * MemoryLayout<T>.stride) }
    }
    return StepStatus.ok
  }
}

/// updates, rows, y. Items are columns.
private enum CombineKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(ScatterParams.self).pointee
    let (updates, rows) = (chunk.input(0, as: T.self), chunk.input(1, as: Int64.self))
    let y = chunk.output(2, as: T.self)
    let reduction = ScatterReduction(rawValue: params.reduction) ?? .none
    for i in 0..<params.count {
      let row = y + Int(rows[i]) * params.inner
      for j in chunk.begin..<chunk.end {
        row[j] = combined(reduction, row[j], updates[i * params.inner + j])
      }
    }
    return StepStatus.ok
  }

  @inline(__always)
  private static func combined<T: Number>(_ reduction: ScatterReduction, _ a: T, _ b: T) -> T {
    switch reduction {
    case .none: b
    case .add: T.sum(a, b)
    case .mul: T.product(a, b)
    case .max: T.greatest(a, b)
    case .min: T.least(a, b)
    }
  }
}
