import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// x divided by its L1 or L2 norm along an axis; 0 where the norm is.
package final class LpNormalization: ReadableOperator {
  package let name = "LpNormalization"
  let axis: Int
  let norm: maas_reduce

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? -1
    let p = try reader.int("p") ?? 2
    try reader.finish()
    guard p == 1 || p == 2 else {
      throw MaasError(.invalidModel, "attribute 'p' has an unknown value", expected: "1 or 2", found: "\(p)")
    }
    norm = p == 1 ? MAAS_REDUCE_L1 : MAAS_REDUCE_L2
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats)
    if let shape = try node.shape(0) { _ = try normalized(axis: axis, rank: shape.count) }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let wide = x.dtype.wide
    let axis = try normalized(axis: axis, rank: x.rank)
    let (from, target) = (try node.converted(x, wide), try node.target(y, wide))
    try node.emitNormalized(from, target, by: norm, axis: axis, zeroAs: .infinity)
    node.narrow(target, into: y)
  }
}

extension Lowering {
  /// Emits y = x divided by its reduction along an axis, for float and double. Where that is 0, `zero` divides.
  mutating func emitNormalized(
    _ x: Operand, _ y: Operand, by norm: maas_reduce, axis: Int, zeroAs zero: Double
  ) throws(MaasError) {
    var shape = x.shape
    shape[axis] = 1
    try emitBinary(.div, x, try emitNorms(x, norm, shape, axis, zeroAs: zero), y)
  }

  /// The reduction along an axis, with another number for 0.
  mutating func emitNorms(
    _ x: Operand, _ norm: maas_reduce, _ shape: [Int], _ axis: Int, zeroAs zero: Double
  ) throws(MaasError) -> Operand {
    let norms = try temporary(x.dtype, shape)
    try emitReduce(norm, x, norms, [axis])
    emit(
      { dispatch(ZeroReplacement.self, Chunk($0, $1, $2, $3)) }, [norms], zero, dtype: x.dtype,
      items: norms.count, grain: grain(nanoseconds: 1))
    return norms
  }
}

/// x, in place: the parameter instead of 0.
private enum ZeroReplacement: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let (x, zero) = (chunk.output(0, as: T.self), T(chunk.params(Double.self).pointee))
    for i in chunk.begin..<chunk.end where x[i] == 0 { x[i] = zero }
    return StepStatus.ok
  }
}
