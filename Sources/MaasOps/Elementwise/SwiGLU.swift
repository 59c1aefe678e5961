import CMaasKernels
import MaasCore
import MaasGraph

/// y = a sigmoid(alpha a) b, element by element, without broadcasting.
package final class SwiGLU: ReadableOperator {
  package let name = "SwiGLU"
  private let alpha: Float

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    alpha = try reader.float("alpha") ?? 1
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(0, DType.floats)
    try node.expectSameDType(0, 1)
    guard let a = try node.shape(0), let b = try node.shape(1) else {
      return node.setOutput(0, try node.dtype(0), nil)
    }
    try node.expectRank(1, a.count)
    var shape: [Dim] = []
    for (x, y) in zip(a, b) { shape.append(try unified(x, y, "the dimensions of A and B")) }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (a, b, y) = (try node.input(0), try node.input(1), try node.output())
    try node.mayReuseElementwise(0)
    let isDouble = y.dtype == .double
    let (gate, value) = isDouble ? (a, b) : (try node.widened(a), try node.widened(b))
    let result = isDouble ? y : try node.widenedTarget(y)
    let swish = try node.temporary(gate.dtype, y.shape)
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_SILU, alpha: alpha, beta: 0), gate, swish)
    try node.emitBinary(.mul, swish, value, result)
    node.narrow(result, into: y)
  }
}
