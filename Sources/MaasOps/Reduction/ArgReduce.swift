import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// ArgMax and ArgMin: the index of the largest or smallest element along an axis, the first or last among equals.
package final class ArgReduce: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let extreme: maas_reduce
    let run: maas_step_run

    package static let max = Row(name: "ArgMax", extreme: MAAS_REDUCE_MAX) {
      dispatchOrdered(ArgKernel<Larger>.self, Chunk($0, $1, $2, $3))
    }
    package static let min = Row(name: "ArgMin", extreme: MAAS_REDUCE_MIN) {
      dispatchOrdered(ArgKernel<Smaller>.self, Chunk($0, $1, $2, $3))
    }
  }

  private let row: Row
  private let axis: Int
  private let keepsDims: Bool
  private let takesLast: Bool
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    axis = try reader.int("axis") ?? 0
    keepsDims = try reader.int("keepdims") ?? 1 != 0
    takesLast = try reader.int("select_last_index") ?? 0 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.numbers)
    guard var shape = try node.shape(0) else { return node.setOutput(0, .int64, nil) }
    let axis = try normalized(axis: axis, rank: shape.count)
    if shape[axis] == .known(0) {
      throw MaasError(.shapeMismatch, "there is no largest element along an axis of size 0")
    }
    if keepsDims { shape[axis] = .known(1) } else { shape.remove(at: axis) }
    node.setOutput(0, .int64, shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let axis = try normalized(axis: axis, rank: x.rank)
    let inner = x.shape[(axis + 1)...].reduce(1, *)
    try node.emitArg(row, x, y, count: x.shape[axis], inner: inner, takesLast: takesLast)
  }
}

extension Lowering {
  /// Emits the int64 index of the chosen element of each row of `count`, `inner` elements apart.
  mutating func emitArg(
    _ row: ArgReduce.Row, _ x: Operand, _ y: Operand, count: Int, inner: Int, takesLast: Bool
  ) throws(MaasError) {
    guard y.count > 0 else { return }
    guard inner == 1 || count <= Int(Int32.max) else {
      throw MaasError(.limitExceeded, "the axis is too long", found: "\(count)")
    }
    let params = ArgParams(count: count, inner: inner, takesLast: takesLast)
    let wide = try converted(x, x.dtype.orderedType)
    if wide.dtype == .float, inner == 1 {
      let best = try temporary(.float, [y.count])
      emitReduce(row.extreme, wide, best, dims: [y.count, count], reduced: [false, true])
      return emit(
        { findPlaces(Chunk($0, $1, $2, $3)) }, [wide, best, y], params, items: y.count,
        grain: grain(nanoseconds: 10 + count / 8))
    }
    emit(
      row.run, [wide, y], params, dtype: wide.dtype, items: y.count / inner * params.blocks,
      grain: grain(nanoseconds: count * min(inner, ArgParams.block)))
  }
}

private struct ArgParams {
  static let block = 64
  let count: Int
  let inner: Int
  let takesLast: Bool
  var blocks: Int { (inner + Self.block - 1) / Self.block }
}

private protocol ArgRule {
  static var isLargest: Bool { get }
}

private enum Larger: ArgRule {
  static var isLargest: Bool { true }
}

private enum Smaller: ArgRule {
  static var isLargest: Bool { false }
}

/// How many elements of a row are looked at together.
let neighbours = 16

/// Whether one of the next elements of a row may come before `limit`, as a NaN may.
@inline(__always)
func anyPrecedes<T: Number>(
  _ row: UnsafePointer<T>, _ limit: T, isLargest: Bool, orEqual: Bool = false
) -> Bool {
  var found: UInt32 = 0
  for i in 0..<neighbours {
    let (low, high) = isLargest ? (row[i], limit) : (limit, row[i])
    found |= (orEqual ? low < high : low <= high) ? 0 : 1
  }
  return found != 0
}

/// x, the best of each row, which is a NaN where there is one, y as int64. Items are rows.
private func findPlaces(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(ArgParams.self).pointee
  let (x, best) = (chunk.input(0, as: Float.self), chunk.input(1, as: Float.self))
  let y = chunk.output(2, as: Int64.self)
  for i in chunk.begin..<chunk.end {
    let (row, count) = (x + i * params.count, Int64(params.count))
    let takesLast = params.takesLast && !best[i].isNaN
    y[i] = takesLast ? maas_f32_last(row, count, best[i]) : maas_f32_first(row, count, best[i])
  }
  return StepStatus.ok
}

/// x, y as int64. Items are blocks of neighbouring elements of y. The first NaN wins, as in NumPy.
private enum ArgKernel<Rule: ArgRule>: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(ArgParams.self).pointee
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: Int64.self))
    for item in chunk.begin..<chunk.end {
      let (outer, first) = (item / params.blocks, item % params.blocks * ArgParams.block)
      let from = x + (outer * params.count * params.inner + first)
      let to = y + (outer * params.inner + first)
      if params.inner == 1 {
        to[0] = Int64(place(from, params))
      } else {
        let width = min(ArgParams.block, params.inner - first)
        if T.self == Float.self {
          maas_f32_best_rows(
            UnsafeRawPointer(from).assumingMemoryBound(to: Float.self), Int64(params.count),
            Int64(params.inner), Int64(width), Rule.isLargest ? 1 : -1, params.takesLast, to)
        } else if params.takesLast {
          columns(from, to, width, params, takesLast: true)
        } else {
          columns(from, to, width, params, takesLast: false)
        }
      }
    }
    return StepStatus.ok
  }

  /// Whether `a`, which stands behind `b`, takes its place.
  @inline(__always)
  private static func wins<T: Number>(_ a: T, _ b: T, takesLast: Bool) -> Bool {
    let (low, high) = Rule.isLargest ? (a, b) : (b, a)
    return (takesLast ? !(low < high) : !(low <= high)) && !b.isNaN
  }

  /// The best element first, in lanes that do not wait for each other, then where it is.
  private static func place<T: Number>(_ x: UnsafePointer<T>, _ params: ArgParams) -> Int {
    var lanes = InlineArray<8, T>(repeating: x[0])
    var isNumber = true
    let whole = params.count / 8 * 8
    for i in stride(from: 0, to: whole, by: 8) {
      for l in 0..<8 { isNumber = take(x[i &+ l], &lanes[unchecked: l]) && isNumber }
    }
    for i in whole..<params.count { isNumber = take(x[i], &lanes[unchecked: 0]) && isNumber }
    for l in 1..<8 { _ = take(lanes[unchecked: l], &lanes[unchecked: 0]) }
    let best = lanes[unchecked: 0]
    guard isNumber else { return (0..<params.count).first { x[$0].isNaN } ?? 0 }
    if params.takesLast { return (0..<params.count).last { x[$0] == best } ?? 0 }
    return (0..<params.count).first { x[$0] == best } ?? 0
  }

  /// False for a NaN.
  @inline(__always)
  private static func take<T: Number>(_ x: T, _ best: inout T) -> Bool {
    best = (Rule.isLargest ? x > best : x < best) ? x : best
    return !x.isNaN
  }

  @inline(__always)
  private static func columns<T: Number>(
    _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<Int64>, _ width: Int, _ params: ArgParams,
    takesLast: Bool
  ) {
    var best = InlineArray<64, T>(repeating: .zero)
    var places = InlineArray<64, Int32>(repeating: 0)
    for j in 0..<width { best[unchecked: j] = x[j] }
    for i in 1..<max(1, params.count) {
      let (row, place) = (x + i * params.inner, Int32(truncatingIfNeeded: i))
      for j in 0..<width {
        let (a, b) = (row[j], best[unchecked: j])
        let isNew = wins(a, b, takesLast: takesLast)
        best[unchecked: j] = isNew ? a : b
        places[unchecked: j] = isNew ? place : places[unchecked: j]
      }
    }
    for j in 0..<width { y[j] = Int64(places[unchecked: j]) }
  }
}
