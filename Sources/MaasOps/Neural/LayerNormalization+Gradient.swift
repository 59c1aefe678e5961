import CMaasKernels
import MaasCore
import MaasGraph

extension LayerNormalization {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [
      try node.gradient(), try node.input(0), try node.input(1), node.optionalInput(2),
    ]
    let parts = node.add(LayerNormalizationGradient(self), inputs, outputs: 3)
    if node.wants(0) { try node.contribute(parts[0], to: 0) }
    for i in 1..<3 where node.wants(i) { try node.contributeBroadcast(parts[i], to: i) }
  }
}

/// The gradients of x, scale and bias, the last two for each element of the normalised part. Inputs: dy, x, scale,
/// bias.
final class LayerNormalizationGradient: Operator {
  let name = "LayerNormalizationGradient"
  private let op: LayerNormalization

  init(_ op: LayerNormalization) { self.op = op }

  func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectDType(0, DType.floats)
    let x = try node.shape(1)
    var part = x
    if let x { part = Array(x[(try normalized(axis: op.axis, rank: x.count))...]) }
    node.setOutput(0, try node.dtype(1), x)
    for i in 1..<3 { node.setOutput(i, try node.dtype(2), part) }
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, x) = (try node.input(0), try node.input(1))
    let part = Array(x.shape[(try normalized(axis: op.axis, rank: x.rank))...])
    let wide: DType = x.dtype == .double || dy.dtype == .double ? .double : .float
    var params = maas_f32_layer_norm_params()
    (params.rms, params.epsilon) = (op.row.isRMS, op.epsilon)
    params.n = Int64(part.reduce(1, *))
    params.rows = params.n == 0 ? 0 : Int64(x.count) / params.n
    let (g, from) = (try node.converted(dy, wide), try node.converted(x, wide))
    let scale = try node.spread(2, part, wide)
    let target = try node.target(0, wide, x.shape)
    let statistics = [
      try node.temporary(wide, [Int(params.rows)]), try node.temporary(wide, [Int(params.rows)]),
    ]
    node.emitLayerNormGradient(params, g, from, scale, target, statistics)
    node.deliver(target, 0)
    guard node.wanted[1] || node.wanted[2] else { return }
    let sums = [try node.target(1, wide, part), try node.target(2, wide, part)]
    node.emitLayerNormSums(params, g, from, statistics, sums)
    for i in 0..<2 { node.deliver(sums[i], i + 1) }
  }
}

extension Lowering {
  /// The gradient of x, and the rows' means and inverse standard deviations, for floats or doubles.
  mutating func emitLayerNormGradient(
    _ params: maas_f32_layer_norm_params, _ dy: Operand, _ x: Operand, _ scale: Operand?, _ dx: Operand,
    _ statistics: [Operand]
  ) {
    let operands = [dy, x, scale, dx, statistics[0], statistics[1]]
    if x.dtype == .float {
      let split = withUnsafePointer(to: params) { maas_f32_layer_norm_slope_split($0) }
      return emit(maas_f32_layer_norm_slope, operands, params, split)
    }
    emit(
      { layerNormGradientOfDoubles(Chunk($0, $1, $2, $3)) }, operands, params, dtype: .double,
      items: params.n == 0 ? 0 : Int(params.rows), grain: grain(nanoseconds: 5 * Int(params.n)))
  }

  fileprivate mutating func emitLayerNormSums(
    _ params: maas_f32_layer_norm_params, _ dy: Operand, _ x: Operand, _ statistics: [Operand],
    _ sums: [Operand]
  ) {
    let operands: [Operand?] = [dy, x, params.rms ? nil : statistics[0], statistics[1], sums[0], sums[1]]
    if x.dtype == .float {
      let split = withUnsafePointer(to: params) { maas_f32_layer_norm_sums_split($0) }
      return emit(maas_f32_layer_norm_sums, operands, params, split)
    }
    emit(
      { layerNormSumsOfDoubles(Chunk($0, $1, $2, $3)) }, operands, params, dtype: .double,
      items: Int(params.n), grain: grain(nanoseconds: 2 * Int(params.rows)))
  }
}

/// dy, x, scale or NULL, dx, mean, inverse standard deviation. Items are rows.
private func layerNormGradientOfDoubles(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(maas_f32_layer_norm_params.self).pointee
  let (count, n) = (Int(params.n), Double(params.n))
  let scale = chunk.optional(2, as: Double.self)
  for row in chunk.begin..<chunk.end {
    let (dy, x) = (
      chunk.input(0, as: Double.self) + row * count, chunk.input(1, as: Double.self) + row * count
    )
    let dx = chunk.output(3, as: Double.self) + row * count
    var mean = 0.0
    if !params.rms { for i in 0..<count { mean += x[i] / n } }
    var (variance, shift, factor) = (0.0, 0.0, 0.0)
    for i in 0..<count { variance += (x[i] - mean) * (x[i] - mean) / n }
    let inverse = 1 / (variance + Double(params.epsilon)).squareRoot()
    for i in 0..<count {
      let g = dy[i] * (scale?[i] ?? 1) / n
      shift += params.rms ? 0 : g
      factor += g * (x[i] - mean) * inverse
    }
    for i in 0..<count {
      dx[i] = inverse * (dy[i] * (scale?[i] ?? 1) - shift - factor * (x[i] - mean) * inverse)
    }
    chunk.output(4, as: Double.self)[row] = mean
    chunk.output(5, as: Double.self)[row] = inverse
  }
  return StepStatus.ok
}

/// dy, x, mean or NULL, inverse standard deviation, dscale, dbias. Items are columns.
private func layerNormSumsOfDoubles(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(maas_f32_layer_norm_params.self).pointee
  let (dy, x) = (chunk.input(0, as: Double.self), chunk.input(1, as: Double.self))
  let (means, inverses) = (chunk.optional(2, as: Double.self), chunk.input(3, as: Double.self))
  for column in chunk.begin..<chunk.end {
    var (scale, bias) = (0.0, 0.0)
    for row in 0..<Int(params.rows) {
      let i = row * Int(params.n) + column
      scale += dy[i] * (x[i] - (means?[row] ?? 0)) * inverses[row]
      bias += dy[i]
    }
    chunk.output(4, as: Double.self)[column] = scale
    chunk.output(5, as: Double.self)[column] = bias
  }
  return StepStatus.ok
}
