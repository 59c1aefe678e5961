import MaasCore
import MaasGraph

/// An operator on images whose channels come last: [N, spatial..., C] in place of ONNX's [N, C, spatial...]. What it
/// says of shapes is what the operator itself says.
package final class ChannelsLast: Operator {
  package typealias Body = @Sendable (inout Lowering) throws(MaasError) -> Void
  private let inner: any Operator
  /// The inputs that are images, and as such have another order; the output always does.
  package let images: [Int]
  /// True where the operator does so anyway: its images are transposed for it even where nothing else works on them.
  package let begins: Bool
  /// Lowers the node for operands with their channels last.
  private let body: Body
  package var name: String { inner.name }

  init(_ inner: any Operator, images: [Int] = [0], begins: Bool = false, _ body: @escaping Body) {
    (self.inner, self.images, self.begins, self.body) = (inner, images, begins, body)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    var inputs = node.inputs
    for i in images where node.has(i) {
      try node.expectMinimumRank(i, 3)
      let fact = try node.input(i)
      inputs[i] = Fact(fact.dtype, fact.shape.map { Shape(ChannelsLast.first($0.dims)) })
    }
    guard let result = try node.outputs(of: inner, inputs).first ?? nil else { return }
    node.setOutput(0, result.dtype, result.shape.map { ChannelsLast.last($0.dims) })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try body(&node) }

  /// The order of dimensions that puts the channels last, and the one that puts them back.
  package static func toLast(rank: Int) -> [Int] { [0] + (2..<rank) + [1] }
  package static func toFirst(rank: Int) -> [Int] { [0, rank - 1] + (1..<rank - 1) }

  package static func last<N>(_ shape: [N]) -> [N] { toLast(rank: shape.count).map { shape[$0] } }
  static func first<N>(_ shape: [N]) -> [N] { toFirst(rank: shape.count).map { shape[$0] } }
}
