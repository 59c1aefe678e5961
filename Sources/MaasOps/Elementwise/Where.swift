import MaasCore
import MaasGraph

/// y = condition ? a : b with broadcasting; elements of any size are moved.
package final class Where: ReadableOperator {
  package let name = "Where"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(0, [.bool])
    try node.expectMovable(1)
    try node.expectSameDType(1, 2)
    let dims = try node.followed(0..<3) { dims in
      dims[0].value.map { $0 != 0 ? dims[1] : dims[2] } ?? (dims[1] == dims[2] ? dims[1] : nil)
    }
    node.setOutput(0, try node.dtype(1), try node.broadcastShape(0..<3), dims: dims)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (condition, a, b) = (try node.input(0), try node.input(1), try node.input(2))
    let y = try node.output()
    for i in 0..<3 { try node.mayReuseElementwise(i) }
    try node.emitWhere(condition, a, b, y)
  }
}

extension Lowering {
  /// Emits y = condition ? a : b; all broadcast to y.
  mutating func emitWhere(
    _ condition: Operand, _ a: Operand, _ b: Operand, _ y: Operand
  ) throws(MaasError) {
    let walk = try Walk(broadcasting: [condition.shape, a.shape, b.shape], to: y.shape)
    emitWalk(
      { dispatch(WhereKernel.self, Chunk($0, $1, $2, $3)) }, [condition, a, b, y], walk, dtype: y.dtype)
  }
}

private enum WhereKernel: MovementKernel {
  static func run<T: BitwiseCopyable>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let walk = chunk.params(WalkParams.self)
    let condition = chunk.input(0, as: UInt8.self)
    let (a, b, y) = (chunk.input(1, as: T.self), chunk.input(2, as: T.self), chunk.output(3, as: T.self))
    let strides = walk.pointee.rowStrides
    walk.pointee.forEachRow(chunk.begin, chunk.end) { at, cAt, aAt, bAt, count in
      row(condition + cAt, a + aAt, b + bAt, y + at, count, strides)
    }
    return StepStatus.ok
  }

  /// The usual steps as constants, so that vectors come of them; both sides are read before one is chosen.
  @inline(never)
  private static func row<T: BitwiseCopyable>(
    _ condition: UnsafePointer<UInt8>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>,
    _ y: UnsafeMutablePointer<T>, _ count: Int, _ steps: (a: Int, b: Int, c: Int)
  ) {
    switch steps {
    case (1, 1, 1): choose(condition, a, b, y, count, (1, 1, 1))
    case (1, 1, 0): choose(condition, a, b, y, count, (1, 1, 0))
    case (1, 0, 1): choose(condition, a, b, y, count, (1, 0, 1))
    case (0, _, _):
      let (x, step) = condition[0] != 0 ? (a, steps.b) : (b, steps.c)
      if step == 1 { for i in 0..<count { y[i] = x[i] } } else { for i in 0..<count { y[i] = x[i * step] } }
    default: choose(condition, a, b, y, count, steps)
    }
  }

  @inline(__always)
  private static func choose<T: BitwiseCopyable>(
    _ condition: UnsafePointer<UInt8>, _ a: UnsafePointer<T>, _ b: UnsafePointer<T>,
    _ y: UnsafeMutablePointer<T>, _ count: Int, _ steps: (a: Int, b: Int, c: Int)
  ) {
    for i in 0..<count {
      let (u, v) = (a[i * steps.b], b[i * steps.c])
      y[i] = condition[i * steps.a] != 0 ? u : v
    }
  }
}
