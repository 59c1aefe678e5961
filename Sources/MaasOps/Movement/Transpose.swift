import MaasCore
import MaasGraph

/// The dimensions in another order: output dimension i is input dimension perm[i]. Without perm they are reversed.
package final class Transpose: ReadableOperator {
  package let name = "Transpose"
  package let perm: [Int]?

  package init(perm: [Int]?) { self.perm = perm }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    perm = try reader.ints("perm")
    try reader.finish()
  }

  func order(_ rank: Int) throws(MaasError) -> [Int] {
    let order = perm ?? Array((0..<rank).reversed())
    guard order.count == rank, order.sorted() == Array(0..<rank) else {
      throw MaasError(
        .invalidModel, "attribute 'perm' is not an order of the input's dimensions",
        expected: rank > 0 ? "0..\(rank - 1)" : "none, as the input is a scalar",
        found: describe(order))
    }
    return order
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    let dtype = try node.dtype(0)
    guard let shape = try node.shape(0) else {
      return node.setOutput(0, dtype, node.unknownShape(given: perm?.count))
    }
    let order = try order(shape.count)
    node.setOutput(0, dtype, order.map { shape[$0] }, dims: try followed(node, order))
  }

  private func followed(_ node: Inference, _ order: [Int]) throws(MaasError) -> [Dim]? {
    guard let (elements, sizes) = try node.followedElements(0) else { return nil }
    let strides = contiguousStrides(sizes)
    return picked(elements, order.map { sizes[$0] }, strides: order.map { strides[$0] })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try node.moving(emit) }

  private func emit(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let order = try order(x.rank)
    if order.filter({ x.shape[$0] != 1 }) == order.sorted().filter({ x.shape[$0] != 1 }) {
      return node.alias()
    }
    let strides = contiguousStrides(x.shape)
    try node.emitCopy(
      x, y, y.shape, xStrides: order.map { strides[$0] }, yStrides: contiguousStrides(y.shape))
  }
}
