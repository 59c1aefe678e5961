import MaasCore
import MaasGraph

extension SliceOperator {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    var inputs: [ValueID?] = [try node.gradient()]
    for i in 1..<5 { inputs.append(node.optionalInput(i)) }
    try node.contribute(node.add(SliceGradient(self), inputs + [try node.input(0)]), to: 0)
  }
}

/// Zeros with the gradient of a slice in its place. Inputs: that, those of Slice from 1 to 4, and what was sliced.
private final class SliceGradient: Operator {
  let name = "SliceGradient"
  private let slice: SliceOperator

  init(_ slice: SliceOperator) { self.slice = slice }

  func infer(_ node: inout Inference) throws(MaasError) {
    for i in [1, 3, 4] where node.has(i) { _ = try node.integers(i) }
    node.setOutput(0, try node.dtype(0), try node.shape(5))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, dx) = (try node.input(0), try node.output())
    let view = try slice.view(node, of: dx.shape, shape: dy.shape)
    if dy.count < dx.count { try node.emitFill(dx, try zero(dx.dtype)) }
    try node.emitCopy(
      dy, dx, dy.shape, xStrides: contiguousStrides(dy.shape), yStrides: view.strides, yOffset: view.offset)
  }

  func gradient(_ node: inout Backward) throws(MaasError) {
    var inputs: [ValueID?] = [try node.gradient()]
    for i in 1..<5 { inputs.append(node.optionalInput(i)) }
    try node.contribute(node.add(slice, inputs), to: 0)
  }
}
