import CMaasKernels
import MaasCore
import MaasGraph

/// y = (x - mean) / sqrt(variance + epsilon) * scale + bias per channel, the second dimension; before opset 9 also,
/// with spatial 0, per element of an image.
///
/// In training mean and variance are those of the batch, and the given ones are moved towards them.
package final class BatchNormalization: ReadableOperator {
  package let name = "BatchNormalization"
  package let epsilon: Float
  let isTraining: Bool
  let momentum: Float
  let isSpatial: Bool
  private let activation: Activation

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    epsilon = try reader.float("epsilon") ?? 1e-5
    momentum = try reader.float("momentum") ?? 0.9
    isSpatial = reader.opset < 9 ? try reader.int("spatial") ?? 1 != 0 : true
    activation = .none
    switch reader.opset {
    case ..<7: isTraining = try reader.int("is_test") ?? 0 == 0
    case ..<14: isTraining = reader.outputCount > 1
    default: isTraining = try reader.int("training_mode") ?? 0 != 0
    }
    reader.ignore("is_test", "consumed_inputs")
    try reader.finish()
  }

  private init(_ op: BatchNormalization, _ activation: Activation) {
    epsilon = op.epsilon
    (isTraining, momentum, isSpatial) = (op.isTraining, op.momentum, op.isSpatial)
    self.activation = activation
  }

  /// The same operator with `activation` behind it; nil where there is one already.
  package func adding(_ activation: Activation) -> BatchNormalization? {
    self.activation.isNone && !isTraining ? BatchNormalization(self, activation) : nil
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(5...5)
    try node.expectDType(0, DType.floats)
    try node.expectMinimumRank(0, 1)
    for i in 1..<5 { try check(node, i) }
    node.setOutput(0, try node.dtype(0), try node.shape(0))
    for i in 1..<5 where node.wantsOutput(i) {
      guard isTraining else {
        throw MaasError(.invalidModel, "output \(i) exists in training only", hint: "export for inference")
      }
      let source = i % 2 == 1 ? 3 : 4
      node.setOutput(i, try node.dtype(source), try node.shape(source))
    }
  }

  private func check(_ node: Inference, _ i: Int) throws(MaasError) {
    try node.expectDType(i, DType.floats)
    if isSpatial { try node.expectRank(i, 1) }
    guard let x = try node.shape(0) else { return }
    let expected = isSpatial ? [x[at: 1] ?? .known(1)] : Array(x.dropFirst())
    try node.expectRank(i, expected.count)
    guard let own = try node.shape(i) else { return }
    for d in own.indices { _ = try unified(own[d], expected[d], "the channels of inputs \(i) and 0") }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 || isTraining else { return }
    let wide = x.dtype.wide
    let target = try node.target(y, wide)
    let from = try view(try node.converted(x, wide), x.shape)
    let to = try view(target, x.shape)
    var inputs: [Operand] = []
    for i in 1..<5 { inputs.append(try node.converted(constant: try node.input(i), wide)) }
    if isTraining {
      inputs[3] = try node.emitTraining(self, from, to, inputs[2], inputs[3])
      inputs[2] = try node.scalar(0, wide, [from.shape[1]])
      try emit(&node, to, inputs, to)
    } else {
      try node.mayReuseElementwise(0)
      try emit(&node, from, inputs, to)
    }
    node.narrow(target, into: y)
  }

  /// The same for float images with their channels last, in inference.
  func lowerChannelsLast(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    var inputs: [Operand] = []
    for i in 1..<5 { inputs.append(try node.converted(constant: try node.input(i), .float)) }
    let rows = [x.shape.dropLast().reduce(1, *), x.shape[x.rank - 1], 1]
    try node.mayReuseElementwise(0)
    try emit(&node, try x.reshaped(rows), inputs, try y.reshaped(rows))
  }

  /// The tensor as [images, channels, elements of a channel].
  func view(_ x: Operand, _ shape: [Int]) throws(MaasError) -> Operand {
    let rest = shape.dropFirst(2).reduce(1, *)
    let channels = shape[at: 1] ?? 1
    return try Operand(
      x.buffer, x.dtype, isSpatial ? [shape[0], channels, rest] : [shape[0], channels * rest, 1])
  }

  /// The formula; `inputs` are scale, bias, mean and variance.
  private func emit(
    _ node: inout Lowering, _ x: Operand, _ inputs: [Operand], _ y: Operand
  ) throws(MaasError) {
    if x.dtype == .double { return try emitDouble(&node, x, inputs, y) }
    let factors = try factors(&node, inputs, x.shape[1])
    try node.emitChannelAffine(x, factors.scale, factors.shift, y, activation)
  }

  /// The formula as it stands, for doubles.
  private func emitDouble(
    _ node: inout Lowering, _ x: Operand, _ inputs: [Operand], _ y: Operand
  ) throws(MaasError) {
    let inputs = try inputs.map { (input) throws(MaasError) in
      try Operand(input.buffer, .double, [x.shape[1], 1])
    }
    let deviation = try node.temporary(.double, [x.shape[1], 1])
    try node.emitBinary(.add, inputs[3], try node.scalar(Double(epsilon), .double), deviation)
    node.emitUnary(maas_f32_activation(op: MAAS_UNARY_SQRT, alpha: 0, beta: 0), deviation, deviation)
    try node.emitBinary(.sub, x, inputs[2], y)
    try node.emitBinary(.div, y, deviation, y)
    try node.emitBinary(.mul, y, inputs[0], y)
    try node.emitBinary(.add, y, inputs[1], y)
  }

  /// y = x * scale + shift: computed now from constants, or by a step.
  private func factors(
    _ node: inout Lowering, _ inputs: [Operand], _ channels: Int
  ) throws(MaasError) -> (scale: Operand, shift: Operand) {
    let constants = inputs.compactMap { $0.constant }
    if constants.count == 4, !isTraining, let (scale, shift) = try factors(constants) {
      return (try node.constant(scale), try node.constant(shift))
    }
    let scale = try node.temporary(.float, [channels])
    let shift = try node.temporary(.float, [channels])
    node.emit(
      { batchNormFactors(Chunk($0, $1, $2, $3)) }, inputs.map { $0 } + [scale, shift], epsilon,
      items: channels, grain: grain(nanoseconds: 5))
    return (scale, shift)
  }

  /// The factors from scale, bias, mean and variance; nil when those are not float, or in training.
  package func factors(_ inputs: [Tensor]) throws(MaasError) -> (scale: Tensor, shift: Tensor)? {
    if isTraining { return nil }
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

extension Lowering {
  /// Emits y = x - mean of the batch, and the other outputs of training: the running statistics and, before opset 14,
  /// those of the batch. The result is the variance of the batch.
  fileprivate mutating func emitTraining(
    _ op: BatchNormalization, _ x: Operand, _ y: Operand, _ mean: Operand, _ variance: Operand
  ) throws(MaasError) -> Operand {
    let means = try emitCentred(x, [0, 2], y)
    let variances = try temporary(x.dtype, means.shape)
    try emitReduce(MAAS_REDUCE_SUM_SQUARE, y, variances, [0, 2])
    let share = Double(variances.count) / Double(x.count)
    try emitBinary(.mul, variances, try scalar(share, x.dtype), variances)
    try emitRunning(1, mean, means, op.momentum)
    try emitRunning(2, variance, variances, op.momentum)
    for (i, own) in [(3, means), (4, variances)] {
      guard let output = optionalOutput(i) else { continue }
      emitCast(own, output)
    }
    return variances
  }

  /// Emits output `i` = momentum * given + (1 - momentum) * own.
  private mutating func emitRunning(
    _ i: Int, _ given: Operand, _ own: Operand, _ momentum: Float
  ) throws(MaasError) {
    guard let output = optionalOutput(i) else { return }
    let (x, shape) = (try Operand(given.buffer, given.dtype, own.shape), own.shape)
    let (a, b) = (try temporary(own.dtype, shape), try temporary(own.dtype, shape))
    try emitBinary(.mul, x, try scalar(Double(momentum), own.dtype), a)
    try emitBinary(.mul, own, try scalar(1 - Double(momentum), own.dtype), b)
    try emitBinary(.add, a, b, a)
    emitCast(a, output)
  }
}
