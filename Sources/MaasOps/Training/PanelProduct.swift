import CMaasKernels
import MaasCore
import MaasGraph

/// Y = activation(A W + C) of floats, where W lies as the kernel of products reads it: [n / width, k, width], the
/// columns in panels. So weights that every step changes are not copied by every step.
///
/// Inputs: A of any rank from 2 on, W, and C, which is broadcast to a Y of rank 2, or nothing.
package final class PanelProduct: Operator {
  /// Of the operator that the model has in its place.
  package let name: String
  private let activation: Activation

  /// Columns of a panel of the kernel that this process chose.
  package static var width: Int { Int(maas_f32_gemm_panel_columns()) }

  package init(_ name: String, _ activation: Activation = .none) {
    (self.name, self.activation) = (name, activation)
  }

  /// The same operator with `activation` behind it; nil where there is one already.
  package func adding(_ activation: Activation) -> PanelProduct? {
    self.activation.isNone ? PanelProduct(name, activation) : nil
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    for i in node.inputs.indices where node.has(i) { try node.expectDType(i, [.float]) }
    try node.expectRank(1, 3)
    guard let a = try node.shape(0), let w = try node.shape(1), let panels = w[0].value,
      let width = w[2].value
    else { return node.setOutput(0, .float, nil) }
    node.setOutput(0, .float, try matrixProductShape(a, [w[1], .known(panels * width)]))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, w, y) = (try node.input(0), try node.input(1), try node.output())
    var product = MatrixProduct(m: a.count / max(1, w.shape[1]), n: w.shape[0] * w.shape[2], k: w.shape[1])
    (product.activation, product.isStepped) = (activation, true)
    let c = node.optionalInput(2)
    if let c {
      let strides = broadcastStrides(c.shape, to: y.shape).suffix(2)
      (product.cRow, product.cColumn) = (strides[strides.startIndex], strides[strides.startIndex + 1])
    }
    if y.count == 0 { return }
    node.emitProduct(product, a, w, MAAS_GEMM_B_PACKED, c, nil, y)
  }

  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard activation.isNone else { throw MaasError(.unsupported, "the operator has no gradient") }
    let (a, w, dy) = (try node.input(0), try node.input(1), try node.gradient())
    if node.wants(0) { try node.contribute(node.add(PanelProductInputGradient(), [dy, w]), to: 0) }
    if node.wants(1) { try node.contribute(node.add(PanelProductWeightGradient(), [dy, a]), to: 1) }
    if node.wants(2) { try node.contributeBroadcast(dy, to: 2) }
  }
}

/// dA = dY Wᵀ. Inputs: dY, and W in panels.
final class PanelProductInputGradient: Operator {
  let name = "PanelProductInputGradient"

  func infer(_ node: inout Inference) throws(MaasError) {
    for i in 0..<2 { try node.expectDType(i, [.float]) }
    try node.expectRank(1, 3)
    guard let dy = try node.shape(0), let w = try node.shape(1) else {
      return node.setOutput(0, .float, nil)
    }
    node.setOutput(0, .float, dy.dropLast() + [w[1]])
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, w, da) = (try node.input(0), try node.input(1), try node.output())
    let (k, width) = (w.shape[1], w.shape[2])
    var product = MatrixProduct(m: da.count / max(1, k), n: k, k: dy.shape[dy.rank - 1])
    (product.bRow, product.bColumn, product.bPanel) = (1, width, k * width)
    try node.emitProduct(product, dy, w, nil, nil, da)
  }
}

/// dW = Aᵀ dY, in panels. Inputs: dY, whose columns are whole panels, and A.
package final class PanelProductWeightGradient: Operator {
  package let name = "PanelProductWeightGradient"

  package func infer(_ node: inout Inference) throws(MaasError) {
    for i in 0..<2 { try node.expectDType(i, [.float]) }
    guard let dy = try node.shape(0), let a = try node.shape(1), let columns = dy[dy.count - 1].value else {
      return node.setOutput(0, .float, nil)
    }
    let width = PanelProduct.width
    node.setOutput(0, .float, [.known(columns / width), a[a.count - 1], .known(width)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, a, dw) = (try node.input(0), try node.input(1), try node.output())
    try node.emitProduct(MatrixProduct(gradientOf: dw.shape, dy), a, dy, nil, nil, dw)
  }
}
