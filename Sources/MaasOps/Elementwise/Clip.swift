import CMaasKernels
import CMaasSystem
import MaasCore
import MaasGraph

/// y = x held in [min, max]. The bounds are attributes before opset 11, optional scalar inputs since.
package final class Clip: ReadableOperator {
  package let name = "Clip"
  /// The attributes; nil where bounds are inputs.
  let bounds: (low: Float, high: Float)?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    if reader.opset < 11 {
      let low = try reader.float("min") ?? -Float.greatestFiniteMagnitude
      bounds = (low, try reader.float("max") ?? Float.greatestFiniteMagnitude)
    } else {
      bounds = nil
    }
    reader.ignore("consumed_inputs")
    try reader.finish()
  }

  /// The function in the form that other operators fuse; nil where a bound is not a known float.
  package func activation(min: Fact?, max: Fact?) -> Activation? {
    if let bounds { return .clip(bounds.low, bounds.high) }
    guard let low = bound(min.map { $0.constant }, -.infinity),
      let high = bound(max.map { $0.constant }, .infinity)
    else { return nil }
    return .clip(low, high)
  }

  private func bound(_ tensor: Tensor??, _ absent: Float) -> Float? {
    guard let tensor else { return absent }
    guard let tensor, tensor.dtype == .float, tensor.count == 1 else { return nil }
    return tensor.elements(as: Float.self).first
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...(bounds == nil ? 3 : 1))
    try node.expectDType(0, DType.numbers)
    for i in 1..<3 where node.has(i) {
      try node.expectSameDType(0, i)
      try node.expectElement(i)
    }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    try node.mayReuseElementwise(0)
    let (low, high) = (node.optionalInput(1), node.optionalInput(2))
    if x.dtype == .float || bounds != nil,
      let activation = activation(min: low.map { Fact($0) }, max: high.map { Fact($0) })
    {
      return node.emitUnary(activation.function, x, y)
    }
    node.emit(
      { dispatch(ClipKernel.self, Chunk($0, $1, $2, $3)) }, [x, low, high, y], UInt8(0), dtype: x.dtype,
      items: x.count, grain: grain(nanoseconds: 1))
  }
}

extension Fact {
  fileprivate init(_ operand: Operand) {
    self.init(operand.dtype, Shape(operand.shape))
    constant = operand.constant
  }
}

/// x, min or NULL, max or NULL, y.
private enum ClipKernel: NumberKernel {
  static func run<T: Number>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let (x, y) = (chunk.input(0, as: T.self), chunk.output(3, as: T.self))
    let low = chunk.optional(1, as: T.self)?.pointee ?? .lowest
    let high = chunk.optional(2, as: T.self)?.pointee ?? .highest
    for i in chunk.begin..<chunk.end {
      let raised = x[i] < low ? low : x[i]
      y[i] = raised > high ? high : raised
    }
    return StepStatus.ok
  }
}
