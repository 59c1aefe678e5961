import CMaasKernels
import MaasCore
import MaasGraph

/// The matrix product of dequantized 8-bit integers with all that is done to it afterwards: a rewrite's, never a file's.
///
/// Inputs: A, B, their scales (B's may be one for each column, or left out), their zero points, a bias for each column (float),
/// a residual of Y's shape; and where Y is quantized again, its scale and zero point.
package final class QuantizedProduct: Operator {
  package let name = "QuantizedProduct"
  /// Where an input stands.
  package enum Input: Int {
    case a, b, aScale, bScale, aZero, bZero, bias, residual, yScale, yZero
    package static let count = 10
  }

  /// Whether B's matrices are transposed.
  package let isTransposed: Bool
  package let activation: Activation
  /// Float, or what Y is quantized to.
  package let type: DType

  package init(isTransposed: Bool = false, activation: Activation = .none, to type: DType = .float) {
    (self.isTransposed, self.activation, self.type) = (isTransposed, activation, type)
  }

  /// The same operator with `activation` behind it; nil where there is one already, or Y is quantized.
  package func adding(_ activation: Activation) -> QuantizedProduct? {
    guard self.activation.isNone, type == .float else { return nil }
    return QuantizedProduct(isTransposed: isTransposed, activation: activation)
  }

  /// The same operator with a quantized Y; nil where the kernel cannot apply the activation then.
  package func quantized(to type: DType) -> QuantizedProduct? {
    guard self.type == .float, activation.isClamp, [.uint8, .int8].contains(type) else { return nil }
    return QuantizedProduct(isTransposed: isTransposed, activation: activation, to: type)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...Input.count)
    for i in 0..<2 {
      try node.expectDType(i, [.uint8, .int8])
      if node.has(4 + i) { try node.expectSameDType(i, 4 + i) }
    }
    for i in [2, 3, 6, 7, 8] where node.has(i) { try node.expectDType(i, [.float]) }
    guard let a = try node.shape(0), var b = try node.shape(1) else { return node.setOutput(0, type, nil) }
    if isTransposed, b.count > 1 { b.swapAt(b.count - 1, b.count - 2) }
    let shape = try matrixProductShape(a, b)
    if node.has(7) { try node.expectShape(7, shape) }
    node.setOutput(0, type, shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try node.input(1), try node.output())
    var columns = b.shape
    if isTransposed, b.rank > 1 { columns.swapAt(b.rank - 1, b.rank - 2) }
    let product = try MatrixProduct(of: a.shape, columns, to: y.shape, isTransposed: [false, isTransposed])
    let finish = IntegerFinish(
      aScale: node.optionalInput(2), bScale: node.optionalInput(3), bias: node.optionalInput(6),
      residual: node.optionalInput(7), yScale: node.optionalInput(8), yZero: node.optionalInput(9),
      activation: activation)
    if finish.residual != nil { node.mayReuse(input: 7) }
    try node.emitIntegerProduct(
      product, IntegerSide(a, node.optionalInput(4)), IntegerSide(b, node.optionalInput(5)), finish, y)
  }
}
