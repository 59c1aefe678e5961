import CMaasSystem
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

  private typealias Floats = UnsafeMutablePointer<Float>

  var shape: [Int] { [columns / width, rows, width] }

  /// Nil where the last panel would not be full.
  init?(_ shape: [Int], isTransposed: Bool) {
    (rows, columns) = isTransposed ? (shape[1], shape[0]) : (shape[0], shape[1])
    self.isTransposed = isTransposed
    if rows == 0 || columns == 0 || columns % width != 0 { return nil }
  }

  /// A copy in panels.
  func laid(_ plain: Tensor) throws(MaasError) -> Tensor {
    let tensor = try Tensor(.float, shape)
    lay(plain, into: tensor)
    return tensor
  }

  /// A copy in the model's order.
  func plain(_ laid: Tensor) throws(MaasError) -> Tensor {
    let tensor = try Tensor(.float, isTransposed ? [columns, rows] : [rows, columns])
    unlay(laid, into: tensor)
    return tensor
  }

  /// Both tensors have so many elements, whatever their shapes.
  func lay(_ plain: Tensor, into laid: Tensor) {
    let (from, to) = (floats(plain), floats(laid))
    forEachRow { copy(from + $0, step, to + $1, 1) }
  }

  func unlay(_ laid: Tensor, into plain: Tensor) {
    let (from, to) = (floats(laid), floats(plain))
    forEachRow { copy(from + $1, 1, to + $0, step) }
  }

  private func floats(_ tensor: Tensor) -> Floats { tensor.bytes.assumingMemoryBound(to: Float.self) }

  /// Between neighbours of a row in the model's order.
  private var step: Int { isTransposed ? rows : 1 }

  /// Where each row of each panel begins in the model's order, and in panels.
  private func forEachRow(_ body: (_ plain: Int, _ laid: Int) -> Void) {
    var laid = 0
    for first in stride(from: 0, to: columns, by: width) {
      for i in 0..<rows {
        body(isTransposed ? first * rows + i : i * columns + first, laid)
        laid += width
      }
    }
  }

  private func copy(_ from: Floats, _ fromStep: Int, _ to: Floats, _ toStep: Int) {
    if fromStep == toStep { return maas_sys_copy(to, from, width * MemoryLayout<Float>.size) }
    for i in 0..<width { to[i * toStep] = from[i * fromStep] }
  }
}

extension Graph {
  /// How the constant `id` may lie: nil where it is no matrix, or anything reads it but products of floats that it is
  /// the right factor of and that PanelProduct can be.
  func weightPanels(of id: ValueID, _ shape: [Int]) -> WeightPanels? {
    guard shape.count == 2, !outputs.contains(id) else { return nil }
    var isTransposed: Bool?
    for node in nodes where node.inputs.contains(id) {
      guard let own = isTransposedFactor(id, of: node), isTransposed ?? own == own else { return nil }
      isTransposed = own
    }
    return isTransposed.flatMap { WeightPanels(shape, isTransposed: $0) }
  }

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
      nodes[i] = Node(node.name, PanelProduct(node.op.name), node.inputs, node.outputs)
    }
    self[id].shape = Shape(panels.shape.map { .known($0) })
  }
}
