import CMaasKernels
import MaasCore
import MaasGraph

/// (x - mean) / standard deviation, over any axes. ONNX's function adds 1e-9 to the deviation.
package final class MeanVarianceNormalization: ReadableOperator {
  package let name = "MeanVarianceNormalization"
  let axes: [Int]

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axes = try reader.ints("axes") ?? [0, 2, 3]
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats)
    if let shape = try node.shape(0) { _ = try normalized(axes: axes, rank: shape.count) }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    let wide = x.dtype.wide
    let axes = try normalized(axes: axes, rank: x.rank)
    let target = try node.target(y, wide)
    let statistics = try node.emitCentred(try node.converted(x, wide), axes, target)
    // The root of the sum of squares becomes the root of their mean.
    let root = Double(statistics.count).squareRoot() / Double(x.count).squareRoot()
    try node.emitReduce(MAAS_REDUCE_L2, target, statistics, axes)
    try node.emitBinary(.mul, statistics, try node.scalar(root, wide), statistics)
    try node.emitBinary(.add, statistics, try node.scalar(1e-9, wide), statistics)
    try node.emitBinary(.div, target, statistics, target)
    node.narrow(target, into: y)
  }
}

extension Lowering {
  /// Emits y = x - mean over `axes`. The result holds the means, with 1 for those axes.
  mutating func emitCentred(_ x: Operand, _ axes: [Int], _ y: Operand) throws(MaasError) -> Operand {
    let shape = x.shape.indices.map { axes.contains($0) ? 1 : x.shape[$0] }
    let means = try temporary(x.dtype, shape)
    try emitReduce(MAAS_REDUCE_MEAN, x, means, axes)
    try emitBinary(.sub, x, means, y)
    return means
  }
}
