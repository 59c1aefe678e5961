import MaasCore
import MaasGraph

extension Variadic {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    var dy = try node.gradient()
    let isExtreme = row.name == "Max" || row.name == "Min"
    if row.isMean { dy = node.add(Unary(.affine, alpha: 1 / Float(node.inputCount)), [dy]) }
    for i in 0..<node.inputCount where node.wants(i) {
      try node.contributeBroadcast(isExtreme ? try node.addExtremeGradient(dy, i) : dy, to: i)
    }
  }
}

extension Backward {
  fileprivate mutating func addExtremeGradient(_ dy: ValueID, _ i: Int) throws(MaasError) -> ValueID {
    var inputs: [ValueID?] = [dy, try output()]
    for j in 0..<inputCount { inputs.append(try input(j)) }
    return add(ExtremeGradient(i), inputs)
  }
}

extension Where {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let dy = try node.gradient()
    for i in 1..<3 where node.wants(i) {
      try node.contributeBroadcast(node.add(WhereGradient(i), [dy, try node.input(0)]), to: i)
    }
  }
}

/// dy where the condition, input 1, chose the operand, else 0.
final class WhereGradient: Operator {
  let name = "WhereGradient"
  private let operand: Int

  init(_ operand: Int) { self.operand = operand }

  func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    try node.mayReuseElementwise(0)
    let (dy, dx) = (try node.input(0), try node.output())
    let zero = try node.number(0, dy.dtype)
    let sides = operand == 1 ? (dy, zero) : (zero, dy)
    try node.emitWhere(try node.input(1), sides.0, sides.1, dx)
  }
}

/// The gradient of operand `operand` of Max or Min, as if nothing had been broadcast: operands that are equal share it.
/// Inputs: dy, y and all operands.
final class ExtremeGradient: Operator {
  let name = "ExtremeGradient"
  private let operand: Int

  init(_ operand: Int) { self.operand = operand }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, dx) = (try node.input(0), try node.output())
    let wide = dy.dtype.wide
    let y = try node.converted(try node.input(1), wide)
    let counts = try node.temporary(wide, dy.shape)
    for i in 2..<node.inputs.count {
      let x = try node.converted(try node.input(i), wide)
      try node.emitEqual(x, y, counts, isFirst: i == 2)
    }
    let target = try node.target(dx, wide)
    let own = try node.converted(try node.input(2 + operand), wide)
    try node.emitEqual(own, y, target, counts: counts, dy: try node.converted(dy, wide))
    node.narrow(target, into: dx)
  }
}

private struct EqualParams {
  let isFirst: Bool
  let walk: WalkParams
}

extension Lowering {
  /// Counts the elements of x that equal y, from 0 on where it is the first; or shares dy among those counted.
  fileprivate mutating func emitEqual(
    _ x: Operand, _ y: Operand, _ result: Operand, isFirst: Bool = false, counts: Operand? = nil,
    dy: Operand? = nil
  ) throws(MaasError) {
    let walk = WalkParams(try Walk(broadcasting: [x.shape], to: y.shape))
    emit(
      { dispatch(EqualKernel.self, Chunk($0, $1, $2, $3)) }, [x, y, counts, dy, result],
      EqualParams(isFirst: isFirst, walk: walk), dtype: y.dtype, items: y.count, grain: grain(nanoseconds: 2))
  }
}

/// x, y, counts or NULL, dy or NULL, the result.
private enum EqualKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(EqualParams.self)
    let (x, y, result) = (chunk.input(0, as: T.self), chunk.input(1, as: T.self), chunk.output(4, as: T.self))
    let (counts, dy) = (chunk.optional(2, as: T.self), chunk.optional(3, as: T.self))
    let (isFirst, step) = (params.pointee.isFirst, params.pointee.walk.rowStrides.a)
    params.pointee.walk.forEachRow(chunk.begin, chunk.end) { at, from, _, _, count in
      for i in at..<at + count {
        let isEqual = x[from + (i - at) * step] == y[i]
        if let counts, let dy {
          result[i] = isEqual ? dy[i] / counts[i] : 0
        } else {
          result[i] = (isFirst ? 0 : result[i]) + (isEqual ? 1 : 0)
        }
      }
    }
    return StepStatus.ok
  }
}
