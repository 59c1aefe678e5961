import CMaasKernels
import MaasCore
import MaasGraph

/// Each part of the input from `axis` on is brought to mean 0 and variance 1, then scaled and shifted.
package final class LayerNormalization: ReadableOperator {
  package let name = "LayerNormalization"
  private let axis: Int
  private let epsilon: Float

  package init(axis: Int, epsilon: Float) {
    self.axis = axis
    self.epsilon = epsilon
  }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? -1
    epsilon = try reader.float("epsilon") ?? 1e-5
    // Statistics are always computed in at least float.
    reader.ignore("stash_type")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    try node.expectDType(0, DType.floats)
    let dtype = try node.dtype(0)
    for i in 1..<3 where node.has(i) { try node.expectSameDType(0, i) }
    let shape = try node.shape(0)
    node.setOutput(0, dtype, shape)
    var statistics = shape
    if let shape {
      let axis = try normalized(axis: axis, rank: shape.count)
      for d in axis..<shape.count { statistics?[d] = .known(1) }
      for i in 1..<3 where node.has(i) {
        guard let own = try node.shape(i) else { continue }
        guard own.count <= shape.count - axis, try broadcasts(own, into: shape) else {
          throw MaasError(
            .shapeMismatch, "input \(i) does not fit the normalised dimensions",
            expected: Shape(Array(shape[axis...])).text, found: Shape(own).text)
        }
      }
    }
    let wide: DType = dtype == .double ? .double : .float
    for i in 1..<3 where node.wantsOutput(i) { node.setOutput(i, wide, statistics) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let axis = try normalized(axis: axis, rank: x.rank)
    let part = Array(x.shape[axis...])
    var params = maas_f32_layer_norm_params()
    params.epsilon = epsilon
    params.rows = Int64(x.shape[..<axis].reduce(1, *))
    params.n = Int64(part.reduce(1, *))
    try node.mayReuseElementwise(0)
    let scale = try node.spread(1, part)
    let bias = try node.spread(2, part)
    let statistics = [node.optionalOutput(1), node.optionalOutput(2)]
    if x.dtype == .double {
      return node.emit(
        { layerNormOfDoubles(Chunk($0, $1, $2, $3)) }, [x, scale, bias, y] + statistics, params,
        dtype: .double, items: Int(params.rows), grain: grain(nanoseconds: 3 * Int(params.n)))
    }
    let (wide, target) = (try node.widened(x), try node.widenedTarget(y))
    let split = maas_f32_layer_norm_split(&params)
    node.emit(maas_f32_layer_norm, [wide, scale, bias, target] + statistics, params, split)
    node.narrow(target, into: y)
  }
}

extension Lowering {
  /// Input `i` widened and repeated to the shape of the normalised part; nil when it is left out.
  fileprivate mutating func spread(_ i: Int, _ part: [Int]) throws(MaasError) -> Operand? {
    guard let own = optionalInput(i) else { return nil }
    let x = own.dtype == .double ? own : try widened(own)
    if x.count == part.reduce(1, *) { return x }
    let result = try temporary(x.dtype, part)
    try emitBroadcast(x, result)
    return result
  }
}

/// x, scale or NULL, bias or NULL, y, mean or NULL, inverse standard deviation or NULL. Items are rows.
private func layerNormOfDoubles(_ chunk: Chunk) -> Int32 {
  let params = chunk.params(maas_f32_layer_norm_params.self).pointee
  let count = Int(params.n)
  let (scale, bias) = (chunk.optional(1, as: Double.self), chunk.optional(2, as: Double.self))
  for row in chunk.begin..<chunk.end {
    let x = chunk.input(0, as: Double.self) + row * count
    let y = chunk.output(3, as: Double.self) + row * count
    var mean = 0.0
    for i in 0..<count { mean += x[i] }
    mean /= Double(count)
    var variance = 0.0
    for i in 0..<count { variance += (x[i] - mean) * (x[i] - mean) }
    let inverse = 1 / (variance / Double(count) + Double(params.epsilon)).squareRoot()
    for i in 0..<count { y[i] = (x[i] - mean) * inverse * (scale?[i] ?? 1) + (bias?[i] ?? 0) }
    if chunk.address(4) != nil { chunk.output(4, as: Double.self)[row] = mean }
    if chunk.address(5) != nil { chunk.output(5, as: Double.self)[row] = inverse }
  }
  return StepStatus.ok
}
