import CMaasKernels
import MaasCore
import MaasGraph

/// Reductions over any set of axes, which are an attribute or, since an opset of the row's, input 1.
package final class Reduce: OperatorFamily {
  /// One ONNX operator of the family.
  package struct Row: Sendable {
    let name: String
    let op: maas_reduce
    let axesInputSince: Int
    let types: [DType]
    /// The same function of dimensions, for shape arithmetic.
    let follow: (@Sendable ([Dim]) -> Dim?)?

    init(
      _ name: String, _ op: maas_reduce, axesInputSince: Int = 18, types: [DType] = DType.numbers,
      follow: (@Sendable ([Dim]) -> Dim?)? = nil
    ) {
      self.name = name
      self.op = op
      self.axesInputSince = axesInputSince
      self.types = types
      self.follow = follow
    }
  }

  let row: Row
  private let source: AxesSource
  let keepsDims: Bool
  /// With no axes nothing is reduced, instead of everything.
  private let emptyIsNone: Bool
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    source = try AxesSource(&reader, inputSince: row.axesInputSince)
    keepsDims = try reader.int("keepdims") ?? 1 != 0
    emptyIsNone = try reader.int("noop_with_empty_axes") ?? 0 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(source.inputs)
    try node.expectDType(0, row.types)
    let dtype = try node.dtype(0)
    let axes = try source.axes(&node)
    guard let shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    if case .unknown = axes {
      return node.setOutput(0, dtype, keepsDims ? node.unknownShape(rank: shape.count) : nil)
    }
    let reduced = try reduced(axes, rank: shape.count)
    var result: [Dim] = []
    for (d, dim) in shape.enumerated() {
      if !reduced.contains(d) { result.append(dim) } else if keepsDims { result.append(.known(1)) }
    }
    let elements = reduced.count == 1 ? try node.followedList(0) : nil
    node.setOutput(0, dtype, result, dims: elements.flatMap { row.follow?($0) }.map { [$0] })
  }

  private func reduced(_ axes: AxesSource.Axes, rank: Int) throws(MaasError) -> [Int] {
    if case .known(let axes) = axes, !axes.isEmpty { return try normalized(axes: axes, rank: rank) }
    return emptyIsNone ? [] : Array(0..<rank)
  }

  /// The first of the dimensions it reduces to 1, where those are the last ones; `axes` is its input 1.
  package func firstOfLast(_ axes: Tensor?, rank: Int) -> Int? {
    guard keepsDims, let given = source.attribute ?? axes?.integers, !given.isEmpty,
      let own = try? normalized(axes: given, rank: rank)
    else { return nil }
    return own.sorted() == Array(rank - own.count..<rank) ? rank - own.count : nil
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    try node.emitReduce(row.op, x, y, try axes(node, input: 1, rank: x.rank))
  }

  /// The axes that are reduced, where input `i` says so.
  func axes(_ node: Lowering, input i: Int, rank: Int) throws(MaasError) -> [Int] {
    if let attribute = source.attribute { return try reduced(.known(attribute), rank: rank) }
    guard node.optionalInput(i) != nil else { return try reduced(.absent, rank: rank) }
    return try reduced(.known(try node.integers(i)), rank: rank)
  }
}

extension Reduce.Row {
  package static let l1 = Self("ReduceL1", MAAS_REDUCE_L1)
  package static let l2 = Self("ReduceL2", MAAS_REDUCE_L2)
  package static let logSum = Self("ReduceLogSum", MAAS_REDUCE_LOG_SUM)
  package static let logSumExp = Self("ReduceLogSumExp", MAAS_REDUCE_LOG_SUM_EXP)
  package static let max = Self("ReduceMax", MAAS_REDUCE_MAX, types: DType.numbers + [.bool])
  package static let mean = Self("ReduceMean", MAAS_REDUCE_MEAN)
  package static let min = Self("ReduceMin", MAAS_REDUCE_MIN, types: DType.numbers + [.bool])
  package static let prod = Self("ReduceProd", MAAS_REDUCE_PROD, follow: { Shape($0).count })
  package static let sum = Self(
    "ReduceSum", MAAS_REDUCE_SUM, axesInputSince: 13, follow: { $0.reduce(.known(0)) { $0 + $1 } })
  package static let sumSquare = Self("ReduceSumSquare", MAAS_REDUCE_SUM_SQUARE)
}
