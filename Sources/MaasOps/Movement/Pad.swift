import CMaasKernels
import MaasCore
import MaasGraph

/// Elements added before and after each dimension, or removed where a number is negative: first, so that what is
/// added is taken from those that are kept. The numbers are an attribute before opset 11 and input 1 since.
package final class Pad: ReadableOperator {
  package let name = "Pad"

  private enum Mode: Int {
    case constant, reflect, edge, wrap
  }
  private let mode: Mode
  package let attribute: [Int]?
  private let value: Float

  /// What it adds where no input says so; nil where that depends on what is there.
  package var filling: Float? { mode == .constant ? value : nil }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let modes: [(name: String, mode: Mode)] = [
      ("constant", .constant), ("reflect", .reflect), ("edge", .edge), ("wrap", .wrap),
    ]
    let name = try reader.string("mode") ?? "constant"
    guard let mode = modes.first(where: { $0.name == name })?.mode else {
      throw MaasError(
        .invalidModel, "attribute 'mode' has an unknown value", expected: "constant, reflect, edge or wrap",
        found: name)
    }
    self.mode = mode
    attribute = reader.opset < 11 ? try reader.ints(reader.opset < 2 ? "paddings" : "pads") ?? [] : nil
    value = reader.opset < 11 ? try reader.float("value") ?? 0 : 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(attribute == nil ? 2...4 : 1...1)
    let dtype = try node.dtype(0)
    if node.has(2) {
      try node.expectSameDType(0, 2)
      try node.expectElement(2)
    }
    var pads = attribute?.map { Dim.known($0) }
    if attribute == nil { pads = try node.dims(1) }
    let axes = node.has(3) ? try node.integers(3) : nil
    guard let shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    guard let pads, !node.has(3) || axes != nil else {
      return node.setOutput(0, dtype, node.unknownShape(rank: shape.count))
    }
    let (begin, end) = try spread(pads, axes, rank: shape.count, missing: .known(0))
    var result: [Dim] = []
    for d in shape.indices { result.append(try padded(shape[d], begin[d], end[d])) }
    node.setOutput(0, dtype, result)
  }

  private func padded(_ size: Dim, _ begin: Dim, _ end: Dim) throws(MaasError) -> Dim {
    for pad in [begin.value ?? 0, end.value ?? 0] where pad.magnitude > maximumBytes {
      throw MaasError(.outOfRange, "a pad is more than any tensor has", found: "\(pad)")
    }
    let result = size + begin + end
    if let value = result.value, value < 0 {
      throw MaasError(.shapeMismatch, "more is removed than a dimension has", found: "\(value)")
    }
    if mode != .constant, result != .known(0), let size = size.value,
      keptPart(size, begin.value ?? 0, end.value ?? 0).isEmpty
    {
      throw MaasError(.shapeMismatch, "a dimension of which nothing is left has nothing to pad with")
    }
    return result
  }

  /// One number per dimension for its beginning and its end.
  private func spread<N>(
    _ pads: [N], _ axes: [Int]?, rank: Int, missing: N
  ) throws(MaasError) -> (begin: [N], end: [N]) {
    let axes =
      try axes.map { axes throws(MaasError) in try normalized(axes: axes, rank: rank) } ?? Array(0..<rank)
    guard pads.count == 2 * axes.count else {
      throw MaasError(
        .invalidModel, "the number of pads is wrong", expected: "\(2 * axes.count)", found: "\(pads.count)")
    }
    var begin = [N](repeating: missing, count: rank)
    var end = begin
    for (i, axis) in axes.enumerated() { (begin[axis], end[axis]) = (pads[i], pads[axes.count + i]) }
    return (begin, end)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.moving { (node) throws(MaasError) in try emit(&node) { $0 } }
  }

  /// `order` puts numbers for ONNX's dimensions in the order of those that the operands have.
  func emit(_ node: inout Lowering, _ order: ([Int]) -> [Int]) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    guard y.count > 0 else { return }
    var pads = attribute ?? []
    if attribute == nil { pads = try node.integers(1) }
    let axes = node.optionalInput(3) == nil ? nil : try node.integers(3)
    let begin = order(try spread(pads, axes, rank: x.rank, missing: 0).begin)
    if mode != .constant,
      x.shape.indices.contains(where: { needsGather(begin[$0], x.shape[$0], y.shape[$0]) })
    {
      return
        try node.emitReflection(mode.rawValue, x, y, begin)
    }
    try node.emitInside(x, y, begin)
    let value = mode == .constant ? try fill(&node, y.dtype) : y
    try node.emitOutside(x, y, begin, mode == .constant ? nil : mode.rawValue, value)
  }

  /// Whether elements that are removed are repeated elsewhere, or so often that they are many runs.
  private func needsGather(_ begin: Int, _ size: Int, _ padded: Int) -> Bool {
    let end = padded - begin - size
    return begin < 0 || end < 0 || (mode != .edge && max(begin, end) > 8 * size)
  }

  private func fill(_ node: inout Lowering, _ dtype: DType) throws(MaasError) -> Operand {
    if let given = node.optionalInput(2) { return given }
    guard dtype != .bool, DType.numbers.contains(dtype) else { return try node.constant(try zero(dtype)) }
    return try node.constant(try cast(try Tensor(.float, [], [value]), to: dtype))
  }
}

/// A scalar of zero bytes: zero, false or the empty string.
func zero(_ dtype: DType) throws(MaasError) -> Tensor {
  let tensor = try Tensor(dtype, [])
  for i in 0..<tensor.byteCount { tensor.bytes.storeBytes(of: 0, toByteOffset: i, as: UInt8.self) }
  return tensor
}

extension Lowering {
  /// Copies x into y so that it begins at `begin`, as far as it lies inside.
  mutating func emitInside(_ x: Operand, _ y: Operand, _ begin: [Int]) throws(MaasError) {
    let (xStrides, yStrides) = (contiguousStrides(x.shape), contiguousStrides(y.shape))
    var (dims, xOffset, yOffset): ([Int], Int, Int) = ([], 0, 0)
    for d in x.shape.indices {
      let first = max(0, -begin[d])
      let last = min(x.shape[d], y.shape[d] - begin[d])
      if last <= first { return }
      dims.append(last - first)
      xOffset += first * xStrides[d]
      yOffset += (first + begin[d]) * yStrides[d]
    }
    try emitCopy(x, y, dims, xStrides: xStrides, yStrides: yStrides, xOffset: xOffset, yOffset: yOffset)
  }

  /// Emits what of y is beside the part that x fills, dimension after dimension from the last on: `value`, or where
  /// there is a mode, elements of y itself that are there already.
  fileprivate mutating func emitOutside(
    _ x: Operand, _ y: Operand, _ begin: [Int], _ mode: Int?, _ value: Operand
  ) throws(MaasError) {
    let strides = contiguousStrides(y.shape)
    var first = x.shape.indices.map { min(max(0, begin[$0]), y.shape[$0]) }
    var dims = x.shape.indices.map { max(first[$0], min(y.shape[$0], begin[$0] + x.shape[$0])) - first[$0] }
    for d in x.shape.indices.reversed() {
      for run in outsideRuns(0..<first[d], begin[d], x.shape[d], mode)
        + outsideRuns(first[d] + dims[d]..<y.shape[d], begin[d], x.shape[d], mode)
      {
        var (own, to, from, steps) = (dims, first, first, mode == nil ? dims.map { _ in 0 } : strides)
        (own[d], to[d], from[d], steps[d]) = (run.count, run.first, run.source, steps[d] * run.step)
        try emitCopy(
          value, y, own, xStrides: steps, yStrides: strides,
          xOffset: mode == nil ? 0 : zip(from, strides).reduce(0) { $0 + $1.0 * $1.1 },
          yOffset: zip(to, strides).reduce(0) { $0 + $1.0 * $1.1 })
      }
      (first[d], dims[d]) = (0, y.shape[d])
    }
  }

  /// Emits a gather along each dimension with the indices that reflect, edge or wrap give.
  fileprivate mutating func emitReflection(
    _ mode: Int, _ x: Operand, _ y: Operand, _ begin: [Int]
  ) throws(MaasError) {
    var current = x
    let changed = x.shape.indices.filter { x.shape[$0] != y.shape[$0] || begin[$0] != 0 }
    if changed.isEmpty { return try emitBroadcast(x, y) }
    for d in changed {
      var shape = current.shape
      shape[d] = y.shape[d]
      let indices = try Tensor(.int64, [shape[d]])
      let kept = keptPart(x.shape[d], begin[d], y.shape[d] - begin[d] - x.shape[d])
      for i in 0..<shape[d] {
        let from = Int64(kept.lowerBound + source(i - begin[d] - kept.lowerBound, kept.count, mode))
        indices.bytes.storeBytes(of: from, toByteOffset: i * 8, as: Int64.self)
      }
      let table = try constant(indices)
      let next = d == changed.last ? y : try temporary(x.dtype, shape)
      try emitGather(current, table, next, axis: d)
      current = next
    }
  }
}

/// Neighbouring places outside, the first of which gets what is at `source`, the next ones what is `step` further.
private struct OutsideRun {
  let first, source: Int
  var count = 1, step = 0
}

/// The places of a dimension of y as runs, one where all get the same value.
private func outsideRuns(_ places: Range<Int>, _ begin: Int, _ size: Int, _ mode: Int?) -> [OutsideRun] {
  guard let mode else {
    return places.isEmpty ? [] : [OutsideRun(first: places.lowerBound, source: 0, count: places.count)]
  }
  var runs: [OutsideRun] = []
  for i in places {
    let from = begin + source(i - begin, size, mode)
    if var last = runs.last, last.count == 1 || from == last.source + last.count * last.step {
      if last.count == 1 { last.step = from - last.source }
      last.count += 1
      runs[runs.count - 1] = last
    } else {
      runs.append(OutsideRun(first: i, source: from))
    }
  }
  return runs
}

/// The elements of a dimension that no negative pad removes.
private func keptPart(_ size: Int, _ begin: Int, _ end: Int) -> Range<Int> {
  let first = max(0, -begin)
  return first..<max(first, size - max(0, -end))
}

/// Which of `size` elements stands at position `i`, inside or outside 0..<size.
private func source(_ i: Int, _ size: Int, _ mode: Int) -> Int {
  func modulo(_ a: Int, _ b: Int) -> Int { (a % b + b) % b }
  switch mode {
  case 1:
    if size == 1 { return 0 }
    let folded = modulo(i, 2 * (size - 1))
    return folded < size ? folded : 2 * (size - 1) - folded
  case 2: return max(0, min(size - 1, i))
  default: return modulo(i, size)
  }
}
