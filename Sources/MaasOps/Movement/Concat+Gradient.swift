import MaasCore
import MaasGraph

extension Concat {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let dy = try node.gradient()
    let inputs = (0..<node.inputCount).map { node.optionalInput($0) }
    let parts = node.add(ConcatGradient(axis: axis), [dy] + inputs, outputs: inputs.count)
    for (i, part) in parts.enumerated() { try node.contribute(part, to: i) }
  }
}

extension Split {
  /// What nobody uses has the gradient 0.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    var parts: [ValueID] = []
    for i in 0..<node.outputCount {
      let part = node.output(making: i)
      parts.append(node.gradient(of: i) ?? node.add(FillLike(0), [part]))
    }
    try node.contribute(node.add(Concat(axis: axis), parts.map { $0 }), to: 0)
  }
}

/// The parts of input 0 along an axis that are as long as inputs 1, 2 and so on.
private final class ConcatGradient: Operator {
  let name = "ConcatGradient"
  private let axis: Int

  init(axis: Int) { self.axis = axis }

  func infer(_ node: inout Inference) throws(MaasError) {
    for i in 0..<node.outputCount { node.setOutput(i, try node.dtype(0), try node.shape(i + 1)) }
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let dy = try node.input(0)
    let axis = try normalized(axis: axis, rank: dy.rank)
    let strides = contiguousStrides(dy.shape)
    var offset = 0
    for i in node.outputs.indices {
      let shape = try node.input(i + 1).shape
      if node.wanted[i], let dx = node.optionalOutput(i) {
        try node.emitCopy(
          dy, dx, shape, xStrides: strides, yStrides: contiguousStrides(shape), xOffset: offset)
      }
      offset += shape[axis] * strides[axis]
    }
  }

  func gradient(_ node: inout Backward) throws(MaasError) {
    var parts: [ValueID] = []
    for i in 0..<node.outputCount {
      let x = try node.input(i + 1)
      parts.append(node.gradient(of: i) ?? node.add(FillLike(0), [x]))
    }
    try node.contribute(node.add(Concat(axis: axis), parts.map { $0 }), to: 0)
  }
}
