import CMaasKernels
import MaasCore
import MaasGraph

/// LayerNormalization and RMSNormalization: each part of the input from `axis` on is brought to mean 0 and variance 1,
/// or to mean square 1, then scaled and shifted.
package final class LayerNormalization: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    /// The mean is taken as 0.
    let isRMS: Bool
    /// Which outputs are the mean and the inverse standard deviation.
    let statistics: [Int]

    package static let layer = Row(name: "LayerNormalization", isRMS: false, statistics: [1, 2])
    package static let rms = Row(name: "RMSNormalization", isRMS: true, statistics: [])
    package static let simplified = Row(name: "SimplifiedLayerNormalization", isRMS: true, statistics: [1])
  }

  let row: Row
  let axis: Int
  let epsilon: Float
  package var name: String { row.name }
  package var isRMS: Bool { row.isRMS }

  package init(_ row: Row, axis: Int, epsilon: Float) {
    (self.row, self.axis, self.epsilon) = (row, axis, epsilon)
  }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    axis = try reader.int("axis") ?? -1
    epsilon = try reader.float("epsilon") ?? 1e-5
    // Statistics are always computed in at least float.
    reader.ignore("stash_type")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...(row.isRMS ? 2 : 3))
    try node.expectDType(0, DType.floats)
    let dtype = try node.dtype(0)
    try node.expectDType(1, DType.floats)
    for i in 1..<3 where node.has(i) && !row.isRMS { try node.expectSameDType(0, i) }
    let shape = try node.shape(0)
    node.setOutput(0, row.isRMS ? try node.dtype(1) : dtype, shape)
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
    for i in row.statistics where node.wantsOutput(i) { node.setOutput(i, dtype.wide, statistics) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let axis = try normalized(axis: axis, rank: x.rank)
    let part = Array(x.shape[axis...])
    let wide: DType = x.dtype == .double || y.dtype == .double ? .double : .float
    var params = maas_f32_layer_norm_params()
    params.rms = row.isRMS
    params.epsilon = epsilon
    params.rows = Int64(x.shape[..<axis].reduce(1, *))
    params.n = Int64(part.reduce(1, *))
    try node.mayReuseElementwise(0)
    let scale = try node.spread(1, part, wide)
    let bias = try node.spread(2, part, wide)
    let target = try node.target(y, wide)
    let statistics = [Operand?](repeating: nil, count: 2 - row.statistics.count)
    try node.emitLayerNorm(
      params, try node.converted(x, wide), scale, bias, target,
      statistics: statistics + row.statistics.map { node.optionalOutput($0) })
    node.narrow(target, into: y)
  }
}

extension Lowering {
  /// Emits y = (x - mean) / sqrt(variance + epsilon) * scale + bias for rows of floats or doubles.
  mutating func emitLayerNorm(
    _ params: maas_f32_layer_norm_params, _ x: Operand, _ scale: Operand?, _ bias: Operand?, _ y: Operand,
    statistics: [Operand?] = [nil, nil]
  ) throws(MaasError) {
    var params = params
    let operands = [x, scale, bias, y] + statistics
    if x.dtype == .double {
      return emit(
        { layerNormOfDoubles(Chunk($0, $1, $2, $3)) }, operands, params, dtype: .double,
        items: Int(params.rows), grain: grain(nanoseconds: 3 * Int(params.n)))
    }
    let split = maas_f32_layer_norm_split(&params)
    emit(maas_f32_layer_norm, operands, params, split)
  }

  /// Input `i` converted and repeated to the shape of the normalised part; nil when it is left out.
  mutating func spread(_ i: Int, _ part: [Int], _ dtype: DType) throws(MaasError) -> Operand? {
    guard let own = optionalInput(i) else { return nil }
    let x = dtype == .double ? try converted(own, dtype) : try widened(own)
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
    if !params.rms { for i in 0..<count { mean += x[i] / Double(count) } }
    var variance = 0.0
    for i in 0..<count { variance += (x[i] - mean) * (x[i] - mean) }
    let inverse = 1 / (variance / Double(count) + Double(params.epsilon)).squareRoot()
    for i in 0..<count { y[i] = (x[i] - mean) * inverse * (scale?[i] ?? 1) + (bias?[i] ?? 0) }
    if chunk.address(4) != nil { chunk.output(4, as: Double.self)[row] = mean }
    if chunk.address(5) != nil { chunk.output(5, as: Double.self)[row] = inverse }
  }
  return StepStatus.ok
}
