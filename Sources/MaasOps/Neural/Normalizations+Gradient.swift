import CMaasKernels
import MaasCore
import MaasGraph

extension LpNormalization {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [try node.gradient(), try node.input(0), try node.output()]
    try node.contribute(node.add(NormalizationGradient(.norm(self)), inputs), to: 0)
  }
}

extension MeanVarianceNormalization {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [try node.gradient(), try node.input(0), try node.output()]
    try node.contribute(node.add(NormalizationGradient(.meanVariance(self)), inputs), to: 0)
  }
}

extension LRN {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [try node.gradient(), try node.input(0), try node.output()]
    try node.contribute(node.add(NormalizationGradient(.response(self)), inputs), to: 0)
  }
}

/// The gradient of a normalisation without parameters of its own. Inputs: dy, x and y.
final class NormalizationGradient: Operator {
  enum Kind {
    case norm(LpNormalization)
    case meanVariance(MeanVarianceNormalization)
    case response(LRN)
  }

  let name = "NormalizationGradient"
  private let kind: Kind

  init(_ kind: Kind) { self.kind = kind }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    node.setOutput(0, try node.dtype(1), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let dx = try node.output()
    guard dx.count > 0 else { return }
    let wide = dx.dtype.wide
    let target = try node.target(dx, wide)
    var inputs: [Operand] = []
    for i in 0..<3 { inputs.append(try node.converted(try node.input(i), wide)) }
    switch kind {
    case .norm(let op): try emit(&node, op, inputs, target)
    case .meanVariance(let op): try emit(&node, op, inputs, target)
    case .response(let op): try emit(&node, op, inputs, target)
    }
    node.narrow(target, into: dx)
  }

  /// dx = (dy - d sum of dy y) / norm, where d is y for the L2 norm and the sign of x for L1.
  private func emit(
    _ node: inout Lowering, _ op: LpNormalization, _ inputs: [Operand], _ dx: Operand
  ) throws(MaasError) {
    let (dy, x, y) = (inputs[0], inputs[1], inputs[2])
    let axis = try normalized(axis: op.axis, rank: x.rank)
    var shape = x.shape
    shape[axis] = 1
    let (products, sums) = (try node.temporary(x.dtype, x.shape), try node.temporary(x.dtype, shape))
    try node.emitBinary(.mul, dy, y, products)
    try node.emitReduce(MAAS_REDUCE_SUM, products, sums, [axis])
    var direction = y
    if op.norm == MAAS_REDUCE_L1 {
      direction = products
      node.emitUnary(maas_f32_activation(op: MAAS_UNARY_SIGN, alpha: 0, beta: 0), x, products)
    }
    try node.emitBinary(.mul, direction, sums, products)
    try node.emitBinary(.sub, dy, products, products)
    let norms = try node.emitNorms(x, op.norm, shape, axis, zeroAs: .infinity)
    try node.emitBinary(.div, products, norms, dx)
  }

  /// dx = (dy - mean of dy - (x - mean) / s mean of dy y) / (s + 1e-9), s the standard deviation.
  private func emit(
    _ node: inout Lowering, _ op: MeanVarianceNormalization, _ inputs: [Operand], _ dx: Operand
  ) throws(MaasError) {
    let (dy, x, y) = (inputs[0], inputs[1], inputs[2])
    let axes = try normalized(axes: op.axes, rank: x.rank)
    let (products, centred) = (try node.temporary(x.dtype, x.shape), try node.temporary(x.dtype, x.shape))
    let deviations = try node.emitCentred(x, axes, centred)
    let root = Double(deviations.count).squareRoot() / Double(x.count).squareRoot()
    try node.emitReduce(MAAS_REDUCE_L2, centred, deviations, axes)
    try node.emitBinary(.mul, deviations, try node.scalar(root, x.dtype), deviations)
    let means = try node.temporary(x.dtype, deviations.shape)
    try node.emitBinary(.mul, dy, y, products)
    try node.emitReduce(MAAS_REDUCE_MEAN, products, means, axes)
    try node.emitBinary(.div, means, deviations, means)
    try node.emitBinary(.mul, centred, means, centred)
    try node.emitReduce(MAAS_REDUCE_MEAN, dy, means, axes)
    try node.emitBinary(.sub, dy, means, products)
    try node.emitBinary(.sub, products, centred, products)
    try node.emitBinary(.add, deviations, try node.scalar(1e-9, x.dtype), deviations)
    try node.emitBinary(.div, products, deviations, dx)
  }

  /// With u = bias + alpha times the mean of squares: dx = dy u^-beta - 2 alpha beta x times the mean of dy y / u over
  /// the channels in whose window x is.
  private func emit(
    _ node: inout Lowering, _ op: LRN, _ inputs: [Operand], _ dx: Operand
  ) throws(MaasError) {
    let (dy, x, y) = (inputs[0], inputs[1], inputs[2])
    let (u, products) = (try node.temporary(x.dtype, x.shape), try node.temporary(x.dtype, x.shape))
    let means = try node.temporary(x.dtype, x.shape)
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_SQUARE, alpha: 0, beta: 0), x, products)
    op.emitMeans(&node, products, u)
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_AFFINE, alpha: op.alpha, beta: op.bias), u, u)
    try node.emitBinary(.mul, dy, y, products)
    try node.emitBinary(.div, products, u, products)
    op.emitMeans(&node, products, means, isMirrored: true)
    try node.emitBinary(.mul, means, x, means)
    try node.emitBinary(.mul, means, try node.scalar(2 * Double(op.alpha * op.beta), x.dtype), means)
    try node.emitBinary(.pow, u, try node.scalar(-Double(op.beta), x.dtype), u)
    try node.emitBinary(.mul, dy, u, u)
    try node.emitBinary(.sub, u, means, dx)
  }
}
