import CMaasKernels
import MaasCore
import MaasGraph

extension BatchNormalization {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard !node.wants(3), !node.wants(4) else {
      throw MaasError(.unsupported, "the running mean and variance have no gradient")
    }
    var inputs: [ValueID?] = [try node.gradient(), try node.input(0), try node.input(1)]
    if !isTraining { inputs += [try node.input(3), try node.input(4)] }
    let parts = node.add(BatchNormalizationGradient(self), inputs, outputs: 3)
    for i in 0..<3 where node.wants(i) { try node.contribute(parts[i], to: i) }
  }
}

extension Inference {
  /// Outputs: the gradients of x and scale, which are inputs 1 and 2, and of the bias, which is as scale.
  mutating func setNormalizationGradients() throws(MaasError) {
    try expectDType(0, DType.floats)
    setOutput(0, try dtype(1), try shape(1))
    for i in 1..<3 { setOutput(i, try dtype(2), try shape(2)) }
  }
}

/// The gradients of x, scale and bias. Inputs: dy, x, scale, and mean and variance where they are not the batch's.
final class BatchNormalizationGradient: Operator {
  let name = "BatchNormalizationGradient"
  private let op: BatchNormalization

  init(_ op: BatchNormalization) { self.op = op }

  func infer(_ node: inout Inference) throws(MaasError) { try node.setNormalizationGradients() }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let x = try node.input(1)
    let wide = x.dtype.wide
    let from = try op.view(try node.converted(x, wide), x.shape)
    let channels = from.shape[1]
    var inputs: [Operand?] = [
      try op.view(try node.converted(try node.input(0), wide), x.shape), from,
      try node.converted(try node.input(2), wide), nil, nil,
    ]
    for i in 3..<5 where !op.isTraining { inputs[i] = try node.converted(try node.input(i), wide) }
    let target = try node.target(0, wide, x.shape)
    let sums = [try node.target(1, wide, [channels]), try node.target(2, wide, [channels])]
    if wide == .float, from.shape[2] > 1 {
      var params = maas_f32_channel_norm_params()
      (params.outer, params.channels) = (Int64(from.shape[0]), Int64(channels))
      (params.inner, params.epsilon) = (Int64(from.shape[2]), op.epsilon)
      let split = maas_f32_channel_norm_slope_split(&params)
      node.emit(
        maas_f32_channel_norm_slope, inputs + [node.wanted[0] ? target : nil, sums[0], sums[1]], params, split
      )
    } else {
      try emitPlain(&node, inputs, try op.view(target, x.shape), sums)
    }
    node.deliver(target, 0)
    for i in 0..<2 { node.deliver(sums[i], i + 1) }
  }

  /// The formula as it stands: dx = scale / s (dy - mean of dy - (x - mean) / s^2 mean of dy (x - mean)), s the
  /// standard deviation; where the statistics do not depend on x, only the first term.
  private func emitPlain(
    _ node: inout Lowering, _ inputs: [Operand?], _ dx: Operand, _ sums: [Operand]
  ) throws(MaasError) {
    guard let dy = inputs[0], let x = inputs[1], let scale = inputs[2] else { return }
    let (wide, shape, axes) = (x.dtype, [1, x.shape[1], 1], [0, 2])
    func perChannel(_ operand: Operand) throws(MaasError) -> Operand {
      try Operand(operand.buffer, wide, shape)
    }
    let share = try node.scalar(Double(x.shape[1]) / Double(max(1, x.count)), wide)
    let (centred, inverse) = (try node.temporary(wide, x.shape), try node.temporary(wide, shape))
    if let mean = inputs[3], let variance = inputs[4] {
      try node.emitBinary(.sub, x, try perChannel(mean), centred)
      try node.emitBinary(.add, try perChannel(variance), try node.scalar(Double(op.epsilon), wide), inverse)
    } else {
      _ = try node.emitCentred(x, axes, centred)
      try node.emitReduce(MAAS_REDUCE_SUM_SQUARE, centred, inverse, axes)
      try node.emitBinary(.mul, inverse, share, inverse)
      try node.emitBinary(.add, inverse, try node.scalar(Double(op.epsilon), wide), inverse)
    }
    for step in [MAAS_UNARY_SQRT, MAAS_UNARY_RECIPROCAL] {
      node.emitUnary(maas_f32_activation(op: step, alpha: 0, beta: 0), inverse, inverse)
    }
    let (products, factors) = (try node.temporary(wide, x.shape), try node.temporary(wide, shape))
    let (dscale, dbias) = (try perChannel(sums[0]), try perChannel(sums[1]))
    try node.emitBinary(.mul, dy, centred, products)
    try node.emitReduce(MAAS_REDUCE_SUM, products, dscale, axes)
    try node.emitBinary(.mul, dscale, inverse, dscale)
    try node.emitReduce(MAAS_REDUCE_SUM, dy, dbias, axes)
    var g = dy
    if op.isTraining {
      try node.emitBinary(.mul, dscale, inverse, factors)
      try node.emitBinary(.mul, factors, share, factors)
      try node.emitBinary(.mul, centred, factors, products)
      try node.emitBinary(.sub, dy, products, centred)
      try node.emitBinary(.mul, dbias, share, factors)
      try node.emitBinary(.sub, centred, factors, centred)
      g = centred
    }
    try node.emitBinary(.mul, try perChannel(scale), inverse, factors)
    try node.emitBinary(.mul, g, factors, dx)
  }
}
