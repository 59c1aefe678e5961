import CMaasSystem
import MaasCore
import MaasGraph

/// ArgMax and ArgMin: the index of the largest or smallest element along an axis, the first or last among equals.
package final class ArgReduce: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let run: maas_step_run

    package static let max = Row(name: "ArgMax") { dispatch(ArgKernel<Larger>.self, Chunk($0, $1, $2, $3)) }
    package static let min = Row(name: "ArgMin") { dispatch(ArgKernel<Smaller>.self, Chunk($0, $1, $2, $3)) }
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
    node.emitArg(row, x, y, count: x.shape[axis], inner: inner, takesLast: takesLast)
  }
}

extension Lowering {
  /// Emits the int64 index of the chosen element of each row of `count`, `inner` elements apart.
  mutating func emitArg(
    _ row: ArgReduce.Row, _ x: Operand, _ y: Operand, count: Int, inner: Int, takesLast: Bool
  ) {
    let params = ArgParams(count: count, inner: inner, takesLast: takesLast)
    emit(row.run, [x, y], params, dtype: x.dtype, items: y.count, grain: grain(nanoseconds: 2 * count))
  }
}

private struct ArgParams {
  let count: Int
  let inner: Int
  let takesLast: Bool
}

private protocol ArgRule {
  /// Whether `a` comes before `b`.
  static func precedes<T: Number>(_ a: T, _ b: T) -> Bool
}

private enum Larger: ArgRule {
  static func precedes<T: Number>(_ a: T, _ b: T) -> Bool { a > b }
}

private enum Smaller: ArgRule {
  static func precedes<T: Number>(_ a: T, _ b: T) -> Bool { a < b }
}

/// x, y as int64. Items are elements of y. The first NaN wins, as in NumPy.
private enum ArgKernel<Rule: ArgRule>: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(ArgParams.self).pointee
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(1, as: Int64.self))
    for item in chunk.begin..<chunk.end {
      let row = x + (item / params.inner * params.count * params.inner + item % params.inner)
      var best = 0
      for i in 1..<max(1, params.count) {
        let (a, b) = (row[i * params.inner], row[best * params.inner])
        if b.isNaN { break }
        if Rule.precedes(a, b) || a.isNaN || (params.takesLast && a == b) { best = i }
      }
      y[item] = Int64(best)
    }
    return StepStatus.ok
  }
}
