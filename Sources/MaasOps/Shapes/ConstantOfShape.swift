import CMaasKernels
import MaasCore
import MaasGraph

/// A tensor of the shape that the input gives, filled with one value.
package final class ConstantOfShape: ReadableOperator {
  package let name = "ConstantOfShape"
  private let value: Tensor

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    if let given = try reader.tensor("value") {
      value = given
    } else {
      value = try Tensor(.float, [1], [Float(0)])
    }
    try reader.finish()
    guard value.count == 1 else {
      throw MaasError(
        .invalidModel, "attribute 'value' is not a single element", expected: "1 element",
        found: "\(value.count)")
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.int64])
    try node.expectRank(0, 1)
    guard let shape = try node.dims(0) else {
      let rank = try node.shape(0)?.first?.value
      return node.setOutput(0, value.dtype, node.unknownShape(given: rank))
    }
    if let negative = shape.first(where: { ($0.value ?? 0) < 0 }) {
      throw MaasError(.shapeMismatch, "a dimension is negative", found: negative.text)
    }
    node.setOutput(0, value.dtype, shape, dims: followed(shape))
  }

  private func followed(_ shape: [Dim]) -> [Dim]? {
    guard shape.count <= 1, let count = Shape(shape).count.value, count <= Inference.smallCount else {
      return nil
    }
    return value.integers?.first.map { [Dim](repeating: .known($0), count: count) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.moving { (node: inout Lowering) throws(MaasError) in try node.emitFill(try node.output(), value)
    }
  }
}

extension Lowering {
  /// Fills `y` with the single element of `value`, which has y's element type, or a byte for y's packed one.
  mutating func emitFill(_ y: Operand, _ value: Tensor) throws(MaasError) {
    var params = maas_fill_params()
    params.size = Int32(y.dtype.byteWidth)
    params.n = Int64(y.count)
    let bytes = UnsafeRawBufferPointer(start: value.bytes, count: min(16, value.byteCount))
    withUnsafeMutableBytes(of: &params.value) { $0.copyBytes(from: bytes) }
    let split = maas_fill_split(&params)
    emit(maas_fill, [y], params, split, dtype: y.dtype)
  }
}
