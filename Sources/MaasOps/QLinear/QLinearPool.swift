import CMaasKernels
import MaasCore
import MaasGraph

/// AveragePool of a quantized tensor: pooled as floats, then saturate(round(y / scale + zero point)).
package final class QLinearAveragePool: Operator {
  package let name = "QLinearAveragePool"
  private let pool: Pool

  private init(_ reader: inout AttributeReader) throws(MaasError) { pool = try Pool(.average, &reader) }

  package static func make(_ reader: inout AttributeReader) throws(MaasError) -> any Operator {
    try ChannelsLastReading.wrapping(&reader) { (reader) throws(MaasError) in try QLinearAveragePool(&reader)
    }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(4...5)
    try node.expectQuantized(0, scale: 1, zero: 2)
    try node.expectScale(3, zero: 4, like: 0)
    let pooled = try node.output(of: pool, [Fact(.float, try node.input(0).shape)])
    node.setOutput(0, try node.dtype(0), pooled.shape?.dims)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let x = try node.dequantized(try node.quantized(0, scale: 1, zero: 2))
    let pooled = try node.temporary(.float, y.shape)
    let (scale, zero) = (try node.input(3).viewed([]), try node.widenedOptional(4)?.viewed([]))
    try node.substituting([x], [pooled], pool.lower)
    try node.emitBinary(.div, pooled, scale, pooled)
    if let zero { try node.emitBinary(.add, pooled, zero, pooled) }
    try node.emitQuantize(pooled, nil, nil, y, x: y.shape, own: [])
  }
}

/// QLinearGlobalAveragePool and QLinearReduceMean: saturate(round(sum of x - its zero point * (x_scale / (y_scale
/// count))) + y's zero point).
package final class QLinearMean: OperatorFamily {
  package enum Row: Sendable {
    case globalPool, reduce
  }

  private let row: Row
  /// Nil: all.
  private let axes: [Int]?
  private let keepsDims: Bool
  private let readsChannelsLast: Bool
  package var name: String { row == .reduce ? "QLinearReduceMean" : "QLinearGlobalAveragePool" }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    axes = row == .reduce ? try reader.ints("axes") : nil
    keepsDims = row == .reduce ? try reader.int("keepdims") ?? 1 != 0 : true
    readsChannelsLast = row == .reduce ? false : try reader.int("channels_last") ?? 0 != 0
    try reader.finish()
  }

  private init(channelsLast mean: QLinearMean) {
    (row, axes, keepsDims, readsChannelsLast) = (mean.row, mean.axes, mean.keepsDims, true)
  }

  package var channelsLast: (any Operator)? {
    guard row == .globalPool, !readsChannelsLast else { return nil }
    return QLinearMean(channelsLast: self)
  }

  private func reduced(rank: Int) throws(MaasError) -> [Int] {
    if row == .globalPool { return readsChannelsLast ? Array(1..<rank - 1) : Array(2..<rank) }
    guard let axes, !axes.isEmpty else { return Array(0..<rank) }
    return try normalized(axes: axes, rank: rank)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(4...5)
    try node.expectQuantized(0, scale: 1, zero: 2)
    try node.expectScale(3, zero: 4, like: 0)
    if row == .globalPool { try node.expectMinimumRank(0, 3) }
    guard let x = try node.shape(0) else { return node.setOutput(0, try node.dtype(0), nil) }
    let reduced = try reduced(rank: x.count)
    var shape: [Dim] = []
    for d in x.indices where keepsDims || !reduced.contains(d) {
      shape.append(reduced.contains(d) ? .known(1) : x[d])
    }
    node.setOutput(0, try node.dtype(0), shape)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.quantized(0, scale: 1, zero: 2), try node.output())
    guard y.count > 0 else { return }
    let axes = try reduced(rank: x.x.rank)
    let difference = try node.dequantized(x, scale: try node.scalar(1, .float))
    let sums = try node.temporary(.float, y.shape)
    try node.emitReduce(MAAS_REDUCE_SUM, difference, sums, axes)
    let count = try node.scalar(Double(axes.reduce(1) { $0 * x.x.shape[$1] }), .float)
    let whole = try node.temporary(.float, [])
    try node.emitBinary(.mul, try node.input(3).viewed([]), count, whole)
    try node.emitBinary(.div, x.scale.viewed([]), whole, whole)
    try node.emitBinary(.mul, sums, whole, sums)
    try node.emitQuantize(sums, nil, node.optionalInput(4), y, x: y.shape, own: [])
  }
}
