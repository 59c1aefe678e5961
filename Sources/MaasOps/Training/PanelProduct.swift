import CMaasKernels
import MaasCore
import MaasGraph

/// Y = activation(A W + C) of floats, where W lies as the kernel of products reads it: [n / width, k, width], the
/// columns in panels. So weights that every step changes are not copied by every step.
///
/// Inputs: A of any rank from 2 on, W, and C, which is broadcast to a Y of rank 2, or nothing.
package final class PanelProduct: Operator {
  package let name = "PanelProduct"
  private let activation: Activation

  /// Columns of a panel of the kernel that this process chose.
  package static var width: Int { Int(maas_f32_gemm_panel_columns()) }

  package init(_ activation: Activation = .none) { self.activation = activation }

  /// The same operator with `activation` behind it; nil where there is one already.
  package func adding(_ activation: Activation) -> PanelProduct? {
    self.activation.isNone ? PanelProduct(activation) : nil
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    for i in node.inputs.indices where node.has(i) { try node.expectDType(i, [.float]) }
    try node.expectRank(1, 3)
    guard let a = try node.shape(0), let w = try node.shape(1), let panels = w[0].value,
      let width = w[2].value
    else { return node.setOutput(0, .float, nil) }
    _ = try unified(a[a.count - 1], w[1], "the inner dimensions of A and W")
    node.setOutput(0, .float, a.dropLast() + [.known(panels * width)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, w, y) = (try node.input(0), try node.input(1), try node.output())
    var product = MatrixProduct(panels: w.shape, of: a)
    product.activation = activation
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
    if node.wants(0) { try node.contribute(node.add(PanelGradient(.a), [dy, w]), to: 0) }
    if node.wants(1) { try node.contribute(node.add(PanelGradient(.panels), [dy, a]), to: 1) }
    if node.wants(2) { try node.contributeBroadcast(dy, to: 2) }
  }
}

/// Of Y = A W: dA = dY Wᵀ, whose inputs are dY and W, or dW = Aᵀ dY, whose inputs are dY and A. W and dW lie in panels.
final class PanelGradient: Operator {
  enum Side { case a, panels }

  let name = "PanelGradient"
  private let side: Side

  init(_ side: Side) { self.side = side }

  func infer(_ node: inout Inference) throws(MaasError) {
    for i in 0..<2 { try node.expectDType(i, [.float]) }
    guard let dy = try node.shape(0), let other = try node.shape(1) else {
      return node.setOutput(0, .float, nil)
    }
    if side == .a { return node.setOutput(0, .float, dy.dropLast() + [other[1]]) }
    let panels = dy[dy.count - 1].value.map { Dim.known($0 / PanelProduct.width) } ?? node.unknownDim()
    node.setOutput(0, .float, [panels, other[other.count - 1], .known(PanelProduct.width)])
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, other, dx) = (try node.input(0), try node.input(1), try node.output())
    if side == .a {
      let (k, width) = (other.shape[1], other.shape[2])
      var product = MatrixProduct(m: dx.count / max(1, k), n: k, k: dy.shape[dy.rank - 1])
      (product.bRow, product.bColumn, product.bPanel) = (1, width, k * width)
      return try node.emitProduct(product, dy, other, nil, nil, dx)
    }
    let (rows, width) = (dx.shape[1], dx.shape[2])
    let columns = dy.shape[dy.rank - 1]
    var product = MatrixProduct(m: rows, n: columns, k: dy.count / max(1, columns))
    (product.aRow, product.aColumn) = (1, rows)
    (product.yRow, product.yPanel) = (width, rows * width)
    try node.emitProduct(product, other, dy, nil, nil, dx)
  }
}

extension MatrixProduct {
  /// A W, for W in panels and contiguous rows of A.
  fileprivate init(panels w: [Int], of a: Operand) {
    self.init(m: a.count / max(1, w[1]), n: w[0] * w[2], k: w[1])
  }
}
