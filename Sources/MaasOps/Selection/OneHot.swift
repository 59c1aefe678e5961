import CMaasSystem
import MaasCore
import MaasGraph

/// A new axis of size depth along which the element that an index names has value 1 of input 2, the others value 0.
/// Negative indices count from the end; other indices outside name no element.
package final class OneHot: ReadableOperator {
  package let name = "OneHot"
  private let axis: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? -1
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(0, DType.numbers)
    try node.expectDType(1, DType.numbers)
    try node.expectSingle(1)
    try node.expectMovable(2)
    if let count = try node.shape(2).flatMap({ Shape($0).count.value }), count != 2 {
      throw MaasError(
        .shapeMismatch, "input 2 must have the values for off and on", expected: "2", found: "\(count)")
    }
    let (dtype, depth) = (try node.dtype(2), try node.wholeNumbers(1)?.first)
    if let depth = depth?.value, depth < 0 {
      throw MaasError(.outOfRange, "the depth is negative", found: "\(depth)")
    }
    guard var shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    shape.insert(depth ?? node.unknownDim(), at: try normalized(axis: axis, rank: shape.count + 1))
    node.setOutput(0, dtype, shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let indices = try node.converted(try node.input(0), .int64)
    let axis = try normalized(axis: axis, rank: indices.rank + 1)
    node.emitOneHot(indices, try node.input(2), try node.output(), axis: axis)
  }
}

/// One where the largest element along an axis is, the first among equals; zero elsewhere. Before opset 13 all
/// dimensions from `axis` on are taken as one.
package final class Hardmax: ReadableOperator {
  package let name = "Hardmax"
  private let axis: SoftmaxAxis

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try SoftmaxAxis(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) { try axis.infer(&node) }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let shape = try axis.collapsed(x.shape)
    let best = try node.temporary(.int64, [shape.outer, shape.inner])
    try node.emitArg(.max, x, best, count: shape.axis, inner: shape.inner, takesLast: false)
    let values = try node.constant(try cast(try Tensor(.float, [2], [Float(0), 1]), to: y.dtype))
    node.emitOneHot(best, values, try y.reshaped([shape.outer, shape.axis, shape.inner]), axis: 1)
  }
}

extension Lowering {
  /// Emits y, which has one dimension more than the int64 indices, at `axis`.
  mutating func emitOneHot(_ indices: Operand, _ values: Operand, _ y: Operand, axis: Int) {
    guard y.count > 0 else { return }
    let params = OneHotParams(depth: y.shape[axis], inner: y.shape[(axis + 1)...].reduce(1, *))
    emit(
      { dispatch(OneHotKernel.self, Chunk($0, $1, $2, $3)) }, [indices, values, y], params, dtype: y.dtype,
      items: indices.count / params.inner * params.blocks,
      grain: grain(nanoseconds: params.depth * min(params.inner, OneHotParams.block) / 4))
  }
}

private struct OneHotParams {
  static let block = 64
  let depth: Int
  let inner: Int
  var blocks: Int { (inner + Self.block - 1) / Self.block }
}

/// int64 indices, off and on, y. Items are blocks of neighbouring indices with all their places.
private enum OneHotKernel: MovementKernel {
  static func run<T: BitwiseCopyable>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let params = chunk.params(OneHotParams.self).pointee
    let indices = chunk.input(0, as: Int64.self)
    let (values, y) = (chunk.input(1, as: T.self), chunk.output(2, as: T.self))
    let (depth, inner, off, on) = (params.depth, params.inner, values[0], values[1])
    for item in chunk.begin..<chunk.end {
      let (outer, first) = (item / params.blocks, item % params.blocks * OneHotParams.block)
      let width = min(OneHotParams.block, inner - first)
      let to = y + (outer * depth * inner + first)
      // Whole rows follow one another.
      let (rows, length) = width == inner ? (1, depth * inner) : (depth, width)
      for row in 0..<rows { (to + row * inner).update(repeating: off, count: length) }
      for j in 0..<width {
        let given = Int(indices[outer * inner + first + j])
        let index = given < 0 ? given &+ depth : given
        if index >= 0, index < depth { to[index * inner + j] = on }
      }
    }
    return StepStatus.ok
  }
}
