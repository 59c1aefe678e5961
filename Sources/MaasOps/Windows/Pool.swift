import CMaasKernels
import MaasCore
import MaasGraph

/// MaxPool and AveragePool over 1 to 3 spatial dimensions.
package final class Pool: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let op: maas_pool
    let types: [DType]

    package static let average = Row(name: "AveragePool", op: MAAS_POOL_AVERAGE, types: DType.floats)
    package static let max = Row(name: "MaxPool", op: MAAS_POOL_MAX, types: DType.floats + [.int8, .uint8])
  }

  private let row: Row
  private let window: Window
  private let countsPadding: Bool
  private let columnMajor: Bool
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    window = try Window(&reader)
    let isMax = row.op == MAAS_POOL_MAX
    countsPadding = isMax ? false : try reader.int("count_include_pad") ?? 0 != 0
    columnMajor = isMax ? try reader.int("storage_order") ?? 0 != 0 : false
    try reader.finish()
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
    let params = try params(x, y)
    let indices = node.optionalOutput(1)
    if x.dtype == .double {
      return node.emitPlainPool(params, [x, y, indices], items: y.count)
    }
    let (wide, target) = (try node.widened(x), try node.widenedTarget(y))
    let split = withUnsafePointer(to: params) { maas_f32_pool_split($0) }
    node.emit(maas_f32_pool, [wide, target, indices], params, split)
    node.narrow(target, into: y)
  }

  private func params(_ x: Operand, _ y: Operand) throws(MaasError) -> maas_f32_pool_params {
    let (input, output) = (Array(x.shape[2...]), Array(y.shape[2...]))
    let sizes = try window.sizes(rank: input.count)
    let pads = window.pads(input, output, sizes)
    var params = maas_f32_pool_params()
    params.op = row.op
    params.count_include_pad = countsPadding
    params.column_major = columnMajor
    params.planes = Int64(x.shape[0] * x.shape[1])
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

/// GlobalAveragePool and GlobalMaxPool: reductions of all spatial dimensions.
package final class GlobalPool: OperatorFamily {
  package struct Row: Sendable {
    let name: String
    let op: maas_reduce

    package static let average = Row(name: "GlobalAveragePool", op: MAAS_REDUCE_MEAN)
    package static let max = Row(name: "GlobalMaxPool", op: MAAS_REDUCE_MAX)
  }

  private let row: Row
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
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
    let x = try node.input(0)
    try node.emitReduce(row.op, x, try node.output(), Array(2..<x.rank))
  }
}
