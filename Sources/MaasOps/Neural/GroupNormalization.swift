import CMaasKernels
import MaasCore
import MaasGraph

/// GroupNormalization and InstanceNormalization: y = scale (x - mean) / sqrt(variance + epsilon) + bias, with mean and
/// variance of each group of channels of each image. For InstanceNormalization a group is one channel.
///
/// Before opset 21 GroupNormalization has a scale and a bias for each group, since then for each channel.
package final class GroupNormalization: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let hasGroups: Bool

    package static let group = Row(name: "GroupNormalization", hasGroups: true)
    package static let instance = Row(name: "InstanceNormalization", hasGroups: false)
  }

  private let row: Row
  let epsilon: Float
  /// Nil: every channel is a group.
  let groups: Int?
  let scalesGroups: Bool
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    epsilon = try reader.float("epsilon") ?? 1e-5
    groups = row.hasGroups ? try reader.int("num_groups") : nil
    scalesGroups = row.hasGroups && reader.opset < 21
    // Statistics are always computed in at least float.
    reader.ignore("stash_type", "consumed_inputs")
    try reader.finish()
    guard !row.hasGroups || (groups ?? 0) > 0 else {
      throw MaasError(
        .invalidModel, "attribute 'num_groups' must be positive", found: groups.map { "\($0)" } ?? "nothing")
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...3)
    try node.expectDType(0, DType.floats)
    try node.expectMinimumRank(0, row.hasGroups ? 2 : 3)
    let shape = try node.shape(0)
    for i in 1..<3 {
      try node.expectSameDType(0, i)
      try node.expectRank(i, 1)
      guard let own = try node.shape(i)?.first, let channels = shape?[at: 1] else { continue }
      let expected = scalesGroups ? groups.map { .known($0) } ?? channels : channels
      _ = try unified(expected, own, "the \(scalesGroups ? "groups" : "channels") and input \(i)")
    }
    if let groups, let channels = shape?[at: 1]?.value, channels % groups != 0 {
      throw MaasError(
        .shapeMismatch, "the channels do not divide into the groups", expected: "a multiple of \(groups)",
        found: "\(channels)")
    }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    try node.mayReuseElementwise(0)
    let wide = x.dtype.wide
    let target = try node.target(y, wide)
    var params = maas_f32_layer_norm_params()
    params.epsilon = epsilon
    params.rows = Int64(x.shape[0] * (groups ?? x.shape[1]))
    params.n = Int64(x.count) / params.rows
    try node.emitLayerNorm(params, try node.converted(x, wide), nil, nil, target)
    let (scale, bias) = (try perChannel(&node, 1, x, wide), try perChannel(&node, 2, x, wide))
    try node.emitChannelAffine(target, scale, bias, target)
    node.narrow(target, into: y)
  }

  /// Input `i` with an element for each channel.
  func perChannel(
    _ node: inout Lowering, _ i: Int, _ x: Operand, _ dtype: DType
  ) throws(MaasError) -> Operand {
    let own = try node.converted(try node.input(i), dtype)
    guard own.count != x.shape[1] else { return own }
    let result = try node.temporary(dtype, [own.count, x.shape[1] / max(1, own.count)])
    try node.emitCopy(own, result, result.shape, xStrides: [1, 0], yStrides: contiguousStrides(result.shape))
    return result
  }
}

extension Lowering {
  /// Emits y = x scale + shift with a scale and a shift for each channel, the second dimension.
  mutating func emitChannelAffine(
    _ x: Operand, _ scale: Operand, _ shift: Operand, _ y: Operand, _ activation: Activation = .none
  ) throws(MaasError) {
    let channels = x.shape[at: 1] ?? 1
    if x.dtype == .double {
      let shape = [channels] + [Int](repeating: 1, count: max(0, x.rank - 2))
      try emitBinary(.mul, x, try Operand(scale.buffer, .double, shape), y)
      return try emitBinary(.add, y, try Operand(shift.buffer, .double, shape), y)
    }
    var params = maas_f32_channel_affine_params()
    params.outer = Int64(x.shape.first ?? 1)
    params.channels = Int64(channels)
    params.inner = Int64(x.shape.dropFirst(2).reduce(1, *))
    params.activation = activation.function
    let split = maas_f32_channel_affine_split(&params)
    emit(maas_f32_channel_affine, [x, scale, shift, y], params, split)
  }
}
