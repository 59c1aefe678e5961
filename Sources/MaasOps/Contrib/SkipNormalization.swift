import CMaasKernels
import MaasCore
import MaasGraph

/// com.microsoft's SkipLayerNormalization and SkipSimplifiedLayerNormalization: the normalisation of X + skip + bias.
///
/// Inputs: X, skip (whose batch may be 1 or missing), scale, the shift of the first of the two, and a bias; outputs: Y,
/// mean, inverse standard deviation, and the sum.
package final class SkipNormalization: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let isRMS: Bool

    package static let layer = Row(name: "SkipLayerNormalization", isRMS: false)
    package static let rms = Row(name: "SkipSimplifiedLayerNormalization", isRMS: true)

    fileprivate var bias: Int { isRMS ? 3 : 4 }
  }

  private let row: Row
  private let epsilon: Float
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    epsilon = try reader.float("epsilon") ?? 1e-12
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...row.bias + 1)
    try node.expectDType(0, DType.upToFloat)
    try node.expectMinimumRank(0, 2)
    let dtype = try node.dtype(0)
    try node.expectSameDType(0, 1)
    for i in 2...row.bias where i == 2 || node.has(i) { try node.expectBias(i) }
    let shape = try node.shape(0)
    var statistics = shape
    if let shape {
      statistics?[shape.count - 1] = .known(1)
      try checkSkip(node, shape)
    }
    node.setOutput(0, dtype, shape)
    for i in 1..<3 where node.wantsOutput(i) { node.setOutput(i, .float, statistics) }
    if node.wantsOutput(3) { node.setOutput(3, dtype, shape) }
  }

  private func checkSkip(_ node: Inference, _ shape: [Dim]) throws(MaasError) {
    guard let skip = try node.shape(1) else { return }
    let isRepeated = skip.count == shape.count && skip[0] == .known(1)
    if isRepeated || skip.count == shape.count - 1, skip.count > 1 {
      return try node.expectShape(1, Array(skip.dropLast(shape.count - 1)) + shape.dropFirst())
    }
    try node.expectShape(1, shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let target = try node.widenedTarget(y)
    let sum = try node.widenedTarget(optional: 3) ?? target
    try node.emitBinary(.add, try node.widenedInput(0), try node.widenedInput(1), sum)
    if let bias = try node.widenedOptional(row.bias) { try node.emitBinary(.add, sum, bias, sum) }
    try node.emitNormalization(
      sum, scale: 2, shift: row.isRMS ? nil : 3, target, epsilon: epsilon, isRMS: row.isRMS,
      statistics: [node.optionalOutput(1), node.optionalOutput(2)])
    node.narrow(target, into: y)
    node.deliver(sum, 3)
  }
}

/// com.microsoft's EmbedLayerNormalization: the normalised sum of embeddings of words, positions and segments.
///
/// Inputs: ids of words [batch, sequence], ids of segments, the embeddings of words, positions and segments, scale,
/// shift, mask, ids of positions; outputs: Y, how much of each mask is 1, and the sum.
package final class EmbedLayerNormalization: ReadableOperator {
  package let name = "EmbedLayerNormalization"
  private let epsilon: Float

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    epsilon = try reader.float("epsilon") ?? 1e-12
    reader.ignore("mask_index_type")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(7...9)
    guard node.has(1) == node.has(4) else {
      throw MaasError(.invalidModel, "ids and embeddings of segments come together")
    }
    for i in [0, 1, 7, 8] where i == 0 || node.has(i) { try node.expectDType(i, [.int32]) }
    try node.expectDType(2, DType.upToFloat)
    let ids = try node.shape(0) ?? node.unknownShape(rank: 2)
    let words = try node.shape(2) ?? node.unknownShape(rank: 2)
    for i in [0, 2] { try node.expectRank(i, 2) }
    for i in [1, 7] { try node.expectShape(i, ids) }
    for i in 3..<7 where i != 4 || node.has(i) {
      try node.expectSameDType(2, i)
      let rows = i < 5 ? [try node.shape(i)?.first ?? words[0]] : []
      try node.expectShape(i, rows + [words[1]])
    }
    try checkPositions(node, ids)
    for i in [0, 2] { node.setOutput(i, try node.dtype(2), ids + [words[1]]) }
    node.setOutput(1, .int32, [ids[0]])
  }

  private func checkPositions(_ node: Inference, _ ids: [Dim]) throws(MaasError) {
    if node.has(8) {
      guard let own = try node.shape(8) else { return }
      return try node.expectShape(8, own.first == .known(1) ? [.known(1), ids[1]] : ids)
    }
    guard let most = try node.shape(3)?[0].value, let length = ids[1].value, length > most else { return }
    throw MaasError(
      .shapeMismatch, "there are not enough positions", expected: "at least \(length)", found: "\(most)")
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let target = try node.widenedTarget(y)
    let sum = try node.widenedTarget(optional: 2) ?? target
    try node.emitGather(try node.widenedInput(2), try node.input(0), sum, axis: 0)
    let count = y.shape[1]
    let places = try Tensor(.int64, [1, count], (0..<count).map { Int64($0) })
    for i in [3, 4] where node.optionalInput(i) != nil {
      var ids = node.optionalInput(i == 3 ? 8 : 1)
      if ids == nil { ids = try node.constant(places) }
      guard let ids else { continue }
      let taken = try node.temporary(.float, ids.shape + [y.shape[2]])
      try node.emitGather(try node.widenedInput(i), ids, taken, axis: 0)
      try node.emitBinary(.add, sum, taken, sum)
    }
    try node.emitNormalization(sum, scale: 5, shift: 6, target, epsilon: epsilon, isRMS: false)
    for (i, result) in [(0, target), (2, sum)] { node.deliver(result, i) }
    guard let counts = node.optionalOutput(1) else { return }
    node.emit(
      { countOnes(Chunk($0, $1, $2, $3)) }, [node.optionalInput(7), counts], count, items: counts.count,
      grain: grain(nanoseconds: count))
  }
}

/// int32 mask or NULL, int32 counts. Items are rows of the mask.
private func countOnes(_ chunk: Chunk) -> Int32 {
  let width = chunk.params(Int.self).pointee
  for row in chunk.begin..<chunk.end {
    var count: Int32 = 0
    if let mask = chunk.optional(0, as: Int32.self) {
      for i in 0..<width where mask[row * width + i] == 1 { count += 1 }
    }
    chunk.output(1, as: Int32.self)[row] = count
  }
  return StepStatus.ok
}

extension Lowering {
  /// Emits y = x with rows normalised, with a scale and maybe a shift in inputs.
  fileprivate mutating func emitNormalization(
    _ x: Operand, scale: Int, shift: Int?, _ y: Operand, epsilon: Float, isRMS: Bool,
    statistics: [Operand?] = [nil, nil]
  ) throws(MaasError) {
    var params = maas_f32_layer_norm_params()
    (params.rms, params.epsilon) = (isRMS, epsilon)
    params.n = Int64(x.shape[x.rank - 1])
    params.rows = Int64(x.shape.dropLast().reduce(1, *))
    let bias = try shift.flatMap { (i) throws(MaasError) in try widenedOptional(i) }
    try emitLayerNorm(params, x, try widenedInput(scale), bias, y, statistics: statistics)
  }
}
