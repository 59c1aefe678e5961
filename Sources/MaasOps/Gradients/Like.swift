import CMaasKernels
import MaasCore
import MaasGraph

/// Steps of gradients whose result has the shape of another tensor, input 1, that only a run may know.
final class Like: Operator {
  enum Kind {
    /// Input 0 added up over the dimensions along which input 1 was broadcast to its shape.
    case sum
    /// Input 0 broadcast to the shape of input 1.
    case broadcast
    /// Input 0 under the shape of input 1.
    case reshape
    /// Input 0, of the shape that reducing input 1 over axes gives, repeated along them; divided by their size for a
    /// mean. Input 2 says the axes where they are no attribute.
    case spread(Reduce, isMean: Bool)
  }

  let name = "Like"
  private let kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  func infer(_ node: inout Inference) throws(MaasError) {
    if node.has(2) { _ = try node.integers(2) }
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    switch kind {
    case .sum: try node.emitSumLike()
    case .broadcast: try node.emitBroadcast(try node.input(0), try node.output())
    case .reshape: node.alias()
    case .spread(let reduce, let isMean):
      try node.emitSpread(try reduce.axes(node, input: 2, rank: node.output().rank), isMean)
    }
  }

  func gradient(_ node: inout Backward) throws(MaasError) {
    let (dy, x) = (try node.gradient(), try node.input(0))
    switch kind {
    case .sum: try node.contribute(node.add(Like(.broadcast), [dy, x]), to: 0)
    case .broadcast: try node.contribute(node.add(Like(.sum), [dy, x]), to: 0)
    case .reshape: try node.contributeReshaped()
    case .spread(let reduce, _): try node.contribute(node.add(reduce, [dy, node.optionalInput(2)]), to: 0)
    }
  }
}

extension Lowering {
  fileprivate mutating func emitSumLike() throws(MaasError) {
    let (x, y) = (try input(0), try output())
    if x.shape == y.shape { return alias() }
    try emitSum(x, to: y.shape, y)
  }

  fileprivate mutating func emitSpread(_ axes: [Int], _ isMean: Bool) throws(MaasError) {
    let (x, y) = (try input(0), try output())
    var kept = y.shape
    for axis in axes { kept[axis] = 1 }
    let view = try Operand(x.buffer, x.dtype, kept)
    guard isMean else { return try emitBroadcast(view, y) }
    let count = axes.reduce(1) { $0 * y.shape[$1] }
    try emitBinary(.div, view, try number(Double(count), y.dtype), y)
  }

  /// A constant scalar of that type.
  mutating func number(_ value: Double, _ dtype: DType) throws(MaasError) -> Operand {
    try constant(try cast(try Tensor(.double, [], [value]), to: dtype))
  }
}

/// A tensor of one number, with type and shape of the input.
package final class FillLike: Operator {
  package let name = "FillLike"
  private let value: Double

  package init(_ value: Double) { self.value = value }

  package func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    try node.emitBroadcast(try node.number(value, y.dtype), y)
  }

  /// It does not depend on the input's elements.
  package func gradient(_ node: inout Backward) {}
}
