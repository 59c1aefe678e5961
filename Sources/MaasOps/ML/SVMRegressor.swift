import MaasCore
import MaasGraph

/// The sum of kernel values, weighted, plus rho. For one class: 1 where it is positive, else -1. post_transform changes
/// nothing, as in ONNX Runtime.
package final class SVMRegressor: ReadableOperator {
  package let name = "SVMRegressor"
  private let kernel: SVMKernel
  private let supports: Int
  private let isOneClass: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    supports = try reader.int("n_supports", default: 0, 0...maximumClasses)
    isOneClass = try reader.int("one_class") ?? 0 != 0
    kernel = try SVMKernel(&reader, count: supports, outputs: 1)
    if supports > 0 { try expectCount("coefficients", kernel.coefficients.count, supports) }
    _ = try reader.choice("post_transform", PostTransform.names)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    node.setOutput(0, .float, [try node.rows(features: kernel.vectors.features), .known(1)])
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    if supports == 0 {
      try kernel.emit(&node, y)
    } else {
      let values = try node.temporary(.float, [y.shape[0], supports])
      try kernel.emit(&node, values)
      let weights = try LinearScores(kernel.coefficients, outputs: 1, [kernel.rho[0]])
      try weights.emitProduct(&node, values, y)
    }
    if isOneClass {
      node.emit(
        { takeSigns(Chunk($0, $1, $2, $3)) }, [y], UInt8(0), items: y.count, grain: grain(nanoseconds: 1))
    }
  }
}

/// 1 for what is positive, else -1, in place.
private func takeSigns(_ chunk: Chunk) -> Int32 {
  let x = chunk.output(0, as: Float.self)
  for i in chunk.begin..<chunk.end { x[i] = x[i] > 0 ? 1 : -1 }
  return StepStatus.ok
}
