import MaasCore
import MaasGraph
import MaasOps

/// How a matrix of weights lies while it is trained: as the kernel of products reads it, in panels of its columns, each
/// [rows, width]. A step then neither copies it before its products nor gathers its gradient's rows.
struct WeightPanels {
  /// Of the factor that the products read; the model may have it transposed.
  let rows, columns: Int
  let isTransposed: Bool
  private let width = PanelProduct.width

  var shape: [Int] { [columns / width, rows, width] }

  /// Nil where the last panel would not be full.
  init?(_ shape: [Int], isTransposed: Bool) {
    (rows, columns) = isTransposed ? (shape[1], shape[0]) : (shape[0], shape[1])
    self.isTransposed = isTransposed
    if rows == 0 || columns == 0 || columns % width != 0 { return nil }
  }

  /// In panels.
  func laid(_ plain: Tensor) throws(MaasError) -> Tensor {
    let tensor = try Tensor(.float, shape)
    assign(plain, to: tensor)
    return tensor
  }

  /// As the model has it.
  func plain(_ laid: Tensor) throws(MaasError) -> Tensor {
    let tensor = try Tensor(.float, isTransposed ? [columns, rows] : [rows, columns])
    let (from, to) = (floats(laid), floats(tensor))
    forEach { to[$0] = from[$1] }
    return tensor
  }

  func assign(_ plain: Tensor, to laid: Tensor) {
    let (from, to) = (floats(plain), floats(laid))
    forEach { to[$1] = from[$0] }
  }

  private func floats(_ tensor: Tensor) -> UnsafeMutablePointer<Float> {
    tensor.bytes.assumingMemoryBound(to: Float.self)
  }

  /// Where each element is in the model's order, and in panels.
  private func forEach(_ body: (_ plain: Int, _ laid: Int) -> Void) {
    let (row, column) = isTransposed ? (1, rows) : (columns, 1)
    var laid = 0
    for first in stride(from: 0, to: columns, by: width) {
      for i in 0..<rows {
        for j in first..<first + width {
          body(i * row + j * column, laid)
          laid += 1
        }
      }
    }
  }
}

extension Graph {
  /// How the constant `id` may lie: nil where anything but products of plain rows reads it, or where it is no matrix.
  func weightPanels(of id: ValueID, _ shape: [Int]) -> WeightPanels? {
    guard shape.count == 2, !outputs.contains(id) else { return nil }
    var isTransposed: Bool?
    for node in nodes where node.inputs.contains(id) {
      guard let own = isTransposedFactor(id, of: node), isTransposed ?? own == own else { return nil }
      isTransposed = own
    }
    return isTransposed.flatMap { WeightPanels(shape, isTransposed: $0) }
  }

  /// Nil where a node reads `id` as anything but the right factor of a product that PanelProduct can be.
  private func isTransposedFactor(_ id: ValueID, of node: Node) -> Bool? {
    guard node.inputs.count > 1, node.inputs[1] == id, node.inputs.filter({ $0 == id }).count == 1,
      let a = node.inputs[0], self[a].dtype == .float, let rank = self[a].shape?.rank, rank >= 2
    else { return nil }
    if let product = node.op as? MatMul {
      return node.inputs.count == 2 && product.activation.isNone ? false : nil
    }
    guard let gemm = node.op as? Gemm, !gemm.transA, let axis = gemm.columnAxis else { return nil }
    return axis == 0
  }

  /// Makes every product that reads the weights read panels.
  mutating func readPanels(of id: ValueID, _ panels: WeightPanels) {
    for (i, node) in nodes.enumerated() where node.inputs.contains(id) {
      nodes[i] = Node(node.name, PanelProduct(), node.inputs, node.outputs)
    }
    self[id].shape = Shape(panels.shape.map { .known($0) })
  }
}
