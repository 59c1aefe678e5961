import CMaasKernels
import MaasCore
import MaasGraph

/// Softmax of a quantized tensor: saturate(round(y floor(1 / scale)) + zero point). Attribute `opset` says by which
/// version of Softmax.
package final class QLinearSoftmax: ReadableOperator {
  package let name = "QLinearSoftmax"
  private let axis: SoftmaxAxis

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let opset = try reader.int("opset") else {
      throw MaasError(.invalidModel, "attribute 'opset' is missing", expected: "an int")
    }
    axis = try SoftmaxAxis(&reader, opset: opset)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(5...5)
    try node.expectQuantized(0, scale: 1, zero: 2)
    try node.expectScale(3, zero: 4, like: 0)
    try axis.infer(&node, [.uint8, .int8])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.quantized(0, scale: 1, zero: 2), try node.output())
    guard y.count > 0 else { return }
    // Softmax does not change when a number is added to all of x.
    let wide = try node.dequantized(QuantizedTensor(x: x.x, scale: x.scale, zero: nil))
    var params = maas_f32_softmax_params()
    let shape = try axis.collapsed(y.shape)
    (params.outer, params.axis, params.inner) = (Int64(shape.outer), Int64(shape.axis), Int64(shape.inner))
    node.emitSoftmax(params, wide, wide)
    let steps = try node.temporary(.float, [])
    try node.emitBinary(.div, try node.scalar(1, .float), try node.input(3).viewed([]), steps)
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_FLOOR, alpha: 0, beta: 0), steps, steps)
    try node.emitBinary(.mul, wide, steps, wide)
    try node.emitQuantize(wide, nil, node.optionalInput(4), y, x: y.shape, own: [])
  }
}
