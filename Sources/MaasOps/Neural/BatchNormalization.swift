import CMaasKernels
import MaasCore
import MaasGraph

/// Inference: y = (x - mean) / sqrt(variance + epsilon) * scale + bias per channel, the second dimension.
package final class BatchNormalization: ReadableOperator {
  package let name = "BatchNormalization"
  package let epsilon: Float
  private let activation: Activation

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    epsilon = try reader.float("epsilon") ?? 1e-5
    activation = .none
    let training = try reader.int("training_mode") ?? 0
    let spatial = try reader.int("spatial") ?? 1
    reader.ignore("momentum", "is_test", "consumed_inputs")
    try reader.finish()
    guard training == 0, spatial == 1 else {
      throw MaasError(
        .unsupported, "only BatchNormalization in inference, per channel, is supported",
        expected: "training_mode 0 and spatial 1", found: "training_mode \(training), spatial \(spatial)")
    }
  }

  private init(_ epsilon: Float, _ activation: Activation) {
    self.epsilon = epsilon
    self.activation = activation
  }

  /// The same operator with `activation` behind it; nil where there is one already.
  package func adding(_ activation: Activation) -> BatchNormalization? {
    self.activation.isNone ? BatchNormalization(epsilon, activation) : nil
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(5...5)
    try node.expectDType(0, DType.floats)
    try node.expectMinimumRank(0, 1)
    for i in 1..<5 {
      try node.expectDType(i, DType.floats)
      try node.expectRank(i, 1)
      guard let x = try node.shape(0), let own = try node.shape(i)?.first else { continue }
      _ = try unified(own, x[at: 1] ?? .known(1), "the channels of inputs \(i) and 0")
    }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
    if let extra = (1..<5).first(where: { node.wantsOutput($0) }) {
      throw MaasError(.unsupported, "output \(extra) exists in training only", hint: "export for inference")
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    try node.mayReuseElementwise(0)
    if x.dtype == .double { return try lowerDouble(&node, x, y) }
    var params = maas_f32_channel_affine_params()
    params.outer = Int64(x.shape.first ?? 1)
    params.channels = Int64(x.shape[at: 1] ?? 1)
    params.inner = Int64(x.shape.dropFirst(2).reduce(1, *))
    params.activation = activation.function
    let (wide, target) = (try node.widened(x), try node.widenedTarget(y))
    let factors = try factors(&node, Int(params.channels))
    let split = maas_f32_channel_affine_split(&params)
    node.emit(maas_f32_channel_affine, [wide, factors.scale, factors.shift, target], params, split)
    node.narrow(target, into: y)
  }

  /// The formula as it stands, for doubles.
  private func lowerDouble(_ node: inout Lowering, _ x: Operand, _ y: Operand) throws(MaasError) {
    let channels = x.shape[at: 1] ?? 1
    let shape = [channels] + [Int](repeating: 1, count: max(0, x.rank - 2))
    var inputs: [Operand] = []
    for i in 1..<5 {
      let given = try node.converted(try node.input(i), .double)
      inputs.append(try Operand(given.buffer, .double, shape))
    }
    let deviation = try node.temporary(.double, shape)
    let least = try node.constant(try Tensor(.double, [], [Double(epsilon)]))
    try node.emitBinary(.add, inputs[3], least, deviation)
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_SQRT, alpha: 0, beta: 0), deviation, deviation)
    try node.emitBinary(.sub, x, inputs[2], y)
    try node.emitBinary(.div, y, deviation, y)
    try node.emitBinary(.mul, y, inputs[0], y)
    try node.emitBinary(.add, y, inputs[1], y)
  }

  /// y = x * scale + shift: computed now from constants, or by a step.
  private func factors(
    _ node: inout Lowering, _ channels: Int
  ) throws(MaasError) -> (scale: Operand, shift: Operand) {
    var inputs: [Operand] = []
    for i in 1..<5 { inputs.append(try node.widenedInput(i)) }
    let constants = inputs.compactMap { $0.constant }
    if constants.count == 4, let (scale, shift) = try factors(constants) {
      return (try node.constant(scale), try node.constant(shift))
    }
    let scale = try node.temporary(.float, [channels])
    let shift = try node.temporary(.float, [channels])
    node.emit(
      { batchNormFactors(Chunk($0, $1, $2, $3)) }, inputs.map { $0 } + [scale, shift], epsilon,
      items: channels, grain: grain(nanoseconds: 5))
    return (scale, shift)
  }

  /// The factors from scale, bias, mean and variance; nil when those are not float.
  package func factors(_ inputs: [Tensor]) throws(MaasError) -> (scale: Tensor, shift: Tensor)? {
    let lists = inputs.compactMap { $0.dtype == .float ? $0.elements(as: Float.self) : nil }
    guard lists.count == 4, lists.allSatisfy({ $0.count == lists[0].count }) else { return nil }
    var (scale, shift): ([Float], [Float]) = ([], [])
    for c in lists[0].indices {
      let (a, b) = factor(lists[0][c], lists[1][c], lists[2][c], lists[3][c], epsilon)
      scale.append(a)
      shift.append(b)
    }
    return (try Tensor(.float, [scale.count], scale), try Tensor(.float, [shift.count], shift))
  }
}

private func factor(
  _ scale: Float, _ bias: Float, _ mean: Float, _ variance: Float, _ epsilon: Float
) -> (scale: Float, shift: Float) {
  let factor = Double(scale) / (Double(variance) + Double(epsilon)).squareRoot()
  return (Float(factor), Float(Double(bias) - Double(mean) * factor))
}

/// scale, bias, mean, variance, y scale, y shift; the parameter is epsilon.
private func batchNormFactors(_ chunk: Chunk) -> Int32 {
  let epsilon = chunk.params(Float.self).pointee
  let (scale, bias) = (chunk.input(0, as: Float.self), chunk.input(1, as: Float.self))
  let (mean, variance) = (chunk.input(2, as: Float.self), chunk.input(3, as: Float.self))
  for c in chunk.begin..<chunk.end {
    let (a, b) = factor(scale[c], bias[c], mean[c], variance[c], epsilon)
    chunk.output(4, as: Float.self)[c] = a
    chunk.output(5, as: Float.self)[c] = b
  }
  return StepStatus.ok
}
