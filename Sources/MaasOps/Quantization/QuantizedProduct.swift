import CMaasKernels
import MaasCore
import MaasGraph

/// The matrix product or convolution of dequantized 8-bit integers with all that is done to it afterwards: a
/// rewrite's, never a file's.
///
/// Inputs: A, B, their scales (B's may be one for each column, or left out), their zero points, a bias for each
/// column (float), a residual like a float Y; and where Y is quantized again, its scale and zero point. To a quantized
/// Y may be added floats for its columns, of which the scale and zero point of the sum follow. Of a convolution A is
/// X, B are the weights, whose filters count as columns, and there is no residual.
package final class QuantizedProduct: Operator {
  package let name = "QuantizedProduct"
  /// Where an input stands.
  package enum Input: Int {
    case a, b, aScale, bScale, aZero, bZero, bias, residual, yScale, yZero
    case moreBias, moreScale, moreZero
    package static let count = 13
  }

  private let convolution: Convolution?
  /// Whether B's matrices are transposed.
  package let isTransposed: Bool
  package let activation: Activation
  /// Float, or what Y is quantized to.
  package let type: DType

  package init(isTransposed: Bool = false, activation: Activation = .none, to type: DType = .float) {
    (self.isTransposed, self.activation, self.type) = (isTransposed, activation, type)
    convolution = nil
  }

  private init(_ product: QuantizedProduct, _ activation: Activation, to type: DType) {
    (isTransposed, convolution) = (product.isTransposed, product.convolution)
    (self.activation, self.type) = (activation, type)
  }

  init(_ convolution: Convolution, _ activation: Activation) {
    (self.convolution, self.activation) = (convolution, activation)
    (isTransposed, type) = (false, .float)
  }

  package var isConvolution: Bool { convolution != nil }

  /// The same operator with `activation` behind it; nil where there is one already, or Y is quantized.
  package func adding(_ activation: Activation) -> QuantizedProduct? {
    guard self.activation.isNone, type == .float else { return nil }
    return QuantizedProduct(self, activation, to: type)
  }

  /// The same operator with a quantized Y; nil where the kernel cannot apply the activation then.
  package func quantized(to type: DType) -> QuantizedProduct? {
    guard self.type == .float, activation.isClamp, [.uint8, .int8].contains(type) else { return nil }
    return QuantizedProduct(self, activation, to: type)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...Input.count)
    for i in 0..<2 {
      try node.expectDType(i, [.uint8, .int8])
      if node.has(4 + i) { try node.expectSameDType(i, 4 + i) }
    }
    for i in [2, 3, 6, 7, 8, 10, 11] where node.has(i) { try node.expectDType(i, [.float]) }
    if let convolution { return node.setOutput(0, type, try convolution.shape(&node, x: 0, w: 1, bias: 6)) }
    guard let a = try node.shape(0), var b = try node.shape(1) else { return node.setOutput(0, type, nil) }
    if isTransposed, b.count > 1 { b.swapAt(b.count - 1, b.count - 2) }
    let shape = try matrixProductShape(a, b)
    if node.has(7) { try node.expectShape(7, shape) }
    node.setOutput(0, type, shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y, finish) = (
      try side(node, .a, .aZero), try side(node, .b, .bZero), try node.output(), finish(node)
    )
    node.mayReuseAlone(7)
    if let convolution { return try node.emitIntegerConvolution(convolution, a, b, finish, y) }
    var columns = b.x.shape
    if isTransposed, columns.count > 1 { columns.swapAt(columns.count - 1, columns.count - 2) }
    let product = try MatrixProduct(of: a.x.shape, columns, to: y.shape, isTransposed: [false, isTransposed])
    try node.emitIntegerProduct(product, a, b, finish, y)
  }

  package var channelsLast: (any Operator)? {
    guard let convolution else { return nil }
    return ChannelsLast(self, begins: true) { [self] node throws(MaasError) in
      let (x, w) = (try side(node, .a, .aZero), try side(node, .b, .bZero))
      try node.emitChannelsLastConvolution(convolution, x, w, finish(node), try node.output())
    }
  }

  private func side(_ node: Lowering, _ x: Input, _ zero: Input) throws(MaasError) -> IntegerSide {
    IntegerSide(try node.input(x.rawValue), node.optionalInput(zero.rawValue))
  }

  private func finish(_ node: Lowering) -> IntegerFinish {
    IntegerFinish(
      aScale: node.optionalInput(2), bScale: node.optionalInput(3), bias: node.optionalInput(6),
      residual: node.optionalInput(7), yScale: node.optionalInput(8), yZero: node.optionalInput(9),
      more: (10..<13).map { node.optionalInput($0) }, activation: activation)
  }
}

extension Conv {
  /// The same with dequantized 8-bit integers.
  package var quantized: QuantizedProduct { QuantizedProduct(convolution, activation) }
}
