import MaasCore
import MaasGraph

/// A matrix of the input's shape with ones on the diagonal that `k` moves up, zeros elsewhere.
package final class EyeLike: ReadableOperator {
  package let name = "EyeLike"
  private let dtype: DType?
  private let k: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    dtype = try reader.dtype("dtype")
    k = try reader.int("k") ?? 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectRank(0, 2)
    let type = try node.outputDType(dtype, DType.numbers + [.bool])
    node.setOutput(0, type, try node.shape(0) ?? node.unknownShape(rank: 2))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let (rows, columns) = (y.shape[0], y.shape[1])
    try node.emitFill(y, try zero(y.dtype))
    guard k > -rows, k < columns else { return }
    let first = (row: max(0, -k), column: max(0, k))
    let one = try node.constant(try cast(try Tensor(.float, [], [Float(1)]), to: y.dtype))
    try node.emitCopy(
      one, y, [min(rows - first.row, columns - first.column)], xStrides: [0], yStrides: [columns + 1],
      yOffset: first.row * columns + first.column)
  }
}
