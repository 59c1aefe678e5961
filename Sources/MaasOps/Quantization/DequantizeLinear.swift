import MaasCore
import MaasGraph

/// y = (x - zero point) * scale.
package final class DequantizeLinear: ReadableOperator {
  package let name = "DequantizeLinear"
  private let granularity: Granularity
  private let outputType: DType?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    granularity = try Granularity(&reader)
    outputType = try reader.dtypeOrNone("output_dtype")
    try reader.finish()
    if let outputType, !DType.floats.contains(outputType) {
      throw MaasError(
        .unsupported, "attribute 'output_dtype' is not a float type", expected: "float, float16 or bfloat16",
        found: outputType.name)
    }
  }

  /// The dimension along which scales differ, if they do.
  package var axis: Int { granularity.axis }
  /// How many neighbours along it share a scale; 0 where each has its own.
  package var blockSize: Int { granularity.blockSize }
  package var isToFloat: Bool { outputType ?? .float == .float }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    try node.expectDType(0, DType.quantized + [.int32])
    try node.expectDType(1, DType.floats + [.float8e8m0])
    if node.has(2) { try node.expectSameDType(0, 2) }
    try granularity.check(node)
    // Powers of two are no result: without a type they scale to float.
    let scale = try node.dtype(1)
    node.setOutput(0, outputType ?? (scale == .float8e8m0 ? .float : scale), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let scale = try node.widened(try node.input(1))
    let views = try granularity.views(&node, x, scale, try node.zeroPoint(2))
    let target = try node.widenedTarget(y)
    try node.emitDequantize(x, views.scale, views.zero, target, x: views.x, own: views.own)
    node.narrow(target, into: y)
  }
}
