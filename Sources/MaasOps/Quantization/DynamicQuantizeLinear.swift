import CMaasKernels
import MaasCore
import MaasGraph

/// Quantizes to uint8 with the scale and zero point that fit the range of x, which is widened to hold zero. NaN is no
/// part of the range and becomes 0, as in ONNX Runtime; the standard's formula would lose all of x to it.
package final class DynamicQuantizeLinear: ReadableOperator {
  package let name = "DynamicQuantizeLinear"

  package init() {}
  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, [.float])
    node.setOutput(0, .uint8, try node.shape(0))
    node.setOutput(1, .float, [])
    node.setOutput(2, .uint8, [])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (scale, zero) = (try node.outputOrTemporary(1, .float, []), try node.outputOrTemporary(2, .uint8, []))
    try node.emitDynamicQuantize(try node.input(0), node.optionalOutput(0), scale, zero)
  }
}

extension Lowering {
  /// Emits the scale and zero point that fit x, and x quantized by them, if wanted.
  mutating func emitDynamicQuantize(
    _ x: Operand, _ y: Operand?, _ scale: Operand, _ zero: Operand
  ) throws(MaasError) {
    var params = maas_f32_range_params()
    params.n = Int64(x.count)
    let split = maas_f32_range_split(&params)
    let ranges = try temporary(.float, [Int(split.items), 2])
    emit(maas_f32_range, [x, ranges], params, split)
    emit({ chooseScale(Chunk($0, $1, $2, $3)) }, [ranges, scale, zero], Int(split.items))
    if let y, y.count > 0 { try emitQuantize(x, scale, zero, y, x: x.shape, own: []) }
  }

  /// An output, or where the node does not have it, a temporary like it.
  fileprivate mutating func outputOrTemporary(
    _ i: Int, _ dtype: DType, _ shape: [Int]
  ) throws(MaasError) -> Operand {
    if let output = optionalOutput(i) { return output }
    return try temporary(dtype, shape)
  }
}

/// The ranges of parts of x, of which the parameter is the count, scale, zero point.
private func chooseScale(_ chunk: Chunk) -> Int32 {
  let ranges = chunk.input(0, as: Float.self)
  var (low, high): (Float, Float) = (0, 0)
  for i in 0..<chunk.params(Int.self).pointee {
    low = min(low, ranges[2 * i])
    high = max(high, ranges[2 * i + 1])
  }
  let (scale, zero) = dynamicScale(low, high)
  chunk.output(1, as: Float.self).pointee = scale
  chunk.output(2, as: UInt8.self).pointee = zero
  return StepStatus.ok
}

/// The scale and zero point of uint8 for numbers from `low`, at most 0, to `high`, at least 0.
func dynamicScale(_ low: Float, _ high: Float) -> (scale: Float, zero: UInt8) {
  let scale = low == high ? 1 : (high - low) / 255
  let zero = max(0, min(255, 0 - low / scale))
  return (scale, UInt8(zero.isNaN ? 0 : zero.rounded(.toNearestOrEven)))
}
