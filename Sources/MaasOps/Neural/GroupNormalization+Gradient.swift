import CMaasKernels
import MaasCore
import MaasGraph

extension GroupNormalization {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [try node.gradient(), try node.input(0), try node.input(1)]
    let parts = node.add(GroupNormalizationGradient(self), inputs, outputs: 3)
    for i in 0..<3 where node.wants(i) { try node.contribute(parts[i], to: i) }
  }
}

/// The gradients of x, scale and bias. Inputs: dy, x, scale.
final class GroupNormalizationGradient: Operator {
  let name = "GroupNormalizationGradient"
  private let op: GroupNormalization

  init(_ op: GroupNormalization) { self.op = op }

  func infer(_ node: inout Inference) throws(MaasError) { try node.setNormalizationGradients() }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let x = try node.input(1)
    guard x.count > 0 else { return try clear(&node) }
    let (wide, channels) = (x.dtype.wide, x.shape[1])
    let (dy, from) = (try node.converted(try node.input(0), wide), try node.converted(x, wide))
    var params = maas_f32_layer_norm_params()
    params.epsilon = op.epsilon
    params.rows = Int64(x.shape[0] * (op.groups ?? channels))
    params.n = Int64(x.count) / params.rows
    let scaled = try node.temporary(wide, x.shape)
    let scale = try op.perChannel(&node, 2, x, wide)
    try node.emitChannelAffine(dy, scale, try node.scalar(0, wide, [channels]), scaled)
    let target = try node.target(0, wide, x.shape)
    let statistics = [
      try node.temporary(wide, [Int(params.rows)]), try node.temporary(wide, [Int(params.rows)]),
    ]
    node.emitLayerNormGradient(params, scaled, from, nil, target, statistics)
    node.deliver(target, 0)
    try node.emitLayerNorm(params, from, nil, nil, scaled)
    try node.emitBinary(.mul, dy, scaled, scaled)
    for (i, products) in [(1, scaled), (2, dy)] where node.wanted[i] { try emitSum(&node, i, products) }
  }

  /// Output `i`: the sums of what belongs to each channel or group.
  private func emitSum(_ node: inout Lowering, _ i: Int, _ products: Operand) throws(MaasError) {
    let parts = try node.input(2).count
    let shape = [products.shape[0], parts, products.count / products.shape[0] / parts]
    let sums = try node.target(i, products.dtype, [parts])
    try node.emitReduce(MAAS_REDUCE_SUM, try Operand(products.buffer, products.dtype, shape), sums, [0, 2])
    node.deliver(sums, i)
  }

  private func clear(_ node: inout Lowering) throws(MaasError) {
    for i in 1..<3 {
      let y = try node.output(i)
      try node.emitFill(y, try cast(try Tensor(.double, [], [0.0]), to: y.dtype))
    }
  }
}
