import CMaasKernels
import MaasCore
import MaasGraph

/// MaxPool, AveragePool and LpPool over 1 to 3 spatial dimensions.
package final class Pool: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let op: maas_pool
    let types: [DType]

    package static let average = Row(name: "AveragePool", op: MAAS_POOL_AVERAGE, types: DType.floats)
    package static let lp = Row(name: "LpPool", op: MAAS_POOL_SUM, types: DType.floats)
    package static let max = Row(name: "MaxPool", op: MAAS_POOL_MAX, types: DType.floats + [.int8, .uint8])
  }

  let row: Row
  private let window: Window
  private let countsPadding: Bool
  private let columnMajor: Bool
  /// LpPool's p: the sum is one of powers, and a root is taken of it.
  let exponent: Double?
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    window = try Window(&reader)
    let isMax = row.op == MAAS_POOL_MAX
    countsPadding = row.op == MAAS_POOL_AVERAGE ? try reader.int("count_include_pad") ?? 0 != 0 : false
    exponent = row.op == MAAS_POOL_SUM ? try reader.normExponent() : nil
    columnMajor = isMax ? try reader.int("storage_order") ?? 0 != 0 : false
    try reader.finish()
  }

  private init(_ pool: Pool, _ window: Window, countsPadding: Bool) {
    (row, exponent, columnMajor) = (pool.row, pool.exponent, pool.columnMajor)
    (self.window, self.countsPadding) = (window, countsPadding)
  }

  /// The same operator for images without padding of this number around them, as `Conv.padded`.
  package func padded(_ more: [Int], by number: Float) -> Pool? {
    let isFitting: Bool
    switch row.op {
    case MAAS_POOL_MAX: isFitting = number == -.infinity
    case MAAS_POOL_AVERAGE: isFitting = number == 0 && (countsPadding || window.isBare)
    default: isFitting = false
    }
    guard isFitting else { return nil }
    return window.padded(more).map { Pool(self, $0, countsPadding: row.op == MAAS_POOL_AVERAGE) }
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, row.types)
    try node.expectMinimumRank(0, 3)
    var result = try node.shape(0)
    if let x = result {
      let sizes = try window.sizes(rank: x.count - 2)
      result = Array(x[..<2]) + (try window.output(Array(x[2...]), sizes))
    }
    node.setOutput(0, try node.dtype(0), result)
    guard node.wantsOutput(1) else { return }
    if row.op != MAAS_POOL_MAX { throw MaasError(.invalidModel, "the operator has one output") }
    node.setOutput(1, .int64, result)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let params = try params(x.shape, y.shape)
    let indices = node.optionalOutput(1)
    let wide = x.dtype == .double ? x : try node.widened(x)
    let target = try node.target(y, wide.dtype)
    let powers = try node.powered(wide, exponent)
    if x.dtype == .double {
      node.emitPlainPool(params, [powers, target, indices], items: y.count)
    } else {
      let split = withUnsafePointer(to: params) { maas_f32_pool_split($0) }
      node.emit(maas_f32_pool, [powers, target, indices], params, split)
    }
    if let exponent { node.emitPower(target, 1 / exponent, target) }
    node.narrow(target, into: y)
  }

  /// For shapes in ONNX's order.
  func params(_ x: [Int], _ y: [Int]) throws(MaasError) -> maas_f32_pool_params {
    let (input, output) = (Array(x[2...]), Array(y[2...]))
    let sizes = try window.sizes(rank: input.count)
    let pads = window.pads(input, output, sizes)
    var params = maas_f32_pool_params()
    params.op = row.op
    params.count_include_pad = countsPadding
    params.column_major = columnMajor
    params.planes = Int64(x[0] * x[1])
    params.channels = Int64(x[1])
    assign(&params.input, spatial(input, 1))
    assign(&params.output, spatial(output, 1))
    assign(&params.kernel, spatial(sizes.kernel.map { $0.value ?? 1 }, 1))
    assign(&params.stride, spatial(sizes.strides, 1))
    assign(&params.dilation, spatial(sizes.dilations, 1))
    assign(&params.pad_begin, spatial(pads.begin, 0))
    assign(&params.pad_end, spatial(pads.end, 0))
    return params
  }
}

/// GlobalAveragePool, GlobalLpPool and GlobalMaxPool: reductions of all spatial dimensions.
package final class GlobalPool: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let op: maas_reduce

    package static let average = Row(name: "GlobalAveragePool", op: MAAS_REDUCE_MEAN)
    package static let lp = Row(name: "GlobalLpPool", op: MAAS_REDUCE_L2)
    package static let max = Row(name: "GlobalMaxPool", op: MAAS_REDUCE_MAX)
  }

  let row: Row
  let exponent: Double
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    exponent = row.op == MAAS_REDUCE_L2 ? try reader.normExponent() : 2
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, DType.floats)
    try node.expectMinimumRank(0, 2)
    let shape = try node.shape(0)
    node.setOutput(0, try node.dtype(0), shape.map { $0[..<2] + $0[2...].map { _ in .known(1) } })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try emit(&node, axes: Array(2..<(try node.input(0).rank)))
  }

  func emit(_ node: inout Lowering, axes: [Int]) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    if exponent == 2 { return try node.emitReduce(row.op, x, y, axes) }
    let powers = try node.powered(try node.floating(x), exponent)
    let target = try node.target(y, powers.dtype)
    try node.emitReduce(MAAS_REDUCE_SUM, powers, target, axes)
    node.emitPower(target, 1 / exponent, target)
    node.narrow(target, into: y)
  }
}
