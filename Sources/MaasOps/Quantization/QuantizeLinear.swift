import MaasCore
import MaasGraph

/// y = saturate(round(x / scale) + zero point), rounded half to even.
///
/// The division is made in the scale's element type, or in the one that `precision` names.
package final class QuantizeLinear: ReadableOperator {
  package let name = "QuantizeLinear"
  private let granularity: Granularity
  private let rounding: SmallRounding
  private let outputType: DType?
  private let precision: DType?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    granularity = try Granularity(&reader)
    rounding = SmallRounding(saturates: try reader.int("saturate") ?? 1 != 0)
    outputType = try reader.dtypeOrNone("output_dtype")
    precision = try reader.dtypeOrNone("precision")
    try reader.finish()
    if let precision, !DType.floats.contains(precision) {
      throw MaasError(
        .unsupported, "attribute 'precision' is not a type to divide in",
        expected: "float, float16, bfloat16 or double", found: precision.name)
    }
  }

  /// Whether it divides floats in float.
  package var isFromFloat: Bool { precision ?? .float == .float }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    try node.expectDType(0, DType.floats + [.int32])
    try node.expectDType(1, DType.floats + [.int32, .float8e8m0])
    if node.has(2) { try node.expectDType(2, DType.quantized) }
    let given = node.has(2) ? try node.dtype(2) : nil
    if let given, let outputType, given != outputType {
      throw MaasError(
        .typeMismatch, "attribute 'output_dtype' and the zero point differ", expected: outputType.name,
        found: given.name)
    }
    let dtype = given ?? outputType ?? .uint8
    guard DType.quantized.contains(dtype) else {
      throw MaasError(.unsupported, "quantizing to \(dtype.name) is not supported")
    }
    try granularity.check(node)
    node.setOutput(0, dtype, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, scale, y) = (try node.input(0), try node.input(1), try node.output())
    guard y.count > 0 else { return }
    let type = precision ?? (DType.floats.contains(scale.dtype) ? scale.dtype : .float)
    let zero = try node.zeroPoint(2)
    let (left, right) = (try node.converted(x, type), try node.converted(scale, type))
    let views = try granularity.views(&node, x, right, zero)
    if type == .float {
      return try node.emitQuantize(
        left, views.scale, views.zero, y, x: views.x, own: views.own, rounding)
    }
    let quotient = try node.temporary(type, views.x)
    try node.emitBinary(.div, try left.viewed(views.x), try views.scale.viewed(views.own), quotient)
    let wide = try node.widened(quotient)
    try node.emitQuantize(wide, nil, views.zero, y, x: views.x, own: views.own, rounding)
  }
}

extension Lowering {
  /// A zero point, which may be left out, as the kernels read it: packed integers as bytes, small floats as float.
  mutating func zeroPoint(_ i: Int) throws(MaasError) -> Operand? {
    guard let zero = optionalInput(i) else { return nil }
    return try readable(zero)
  }
}

extension AttributeReader {
  /// An attribute that names an element type, 0 standing for none.
  mutating func dtypeOrNone(_ name: String) throws(MaasError) -> DType? {
    guard let number = try int(name), number != 0 else { return nil }
    return try dtype(name)
  }
}
