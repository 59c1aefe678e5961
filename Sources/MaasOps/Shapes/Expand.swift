import MaasCore
import MaasGraph

/// The input broadcast together with the shape that input 1 gives.
package final class Expand: ReadableOperator {
  package let name = "Expand"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    try node.expectDType(1, [.int64])
    let dtype = try node.dtype(0)
    guard let target = try node.dims(1), let shape = try node.shape(0) else {
      let ranks = [try node.shape(1)?.first?.value, try node.shape(0)?.count].compactMap { $0 }
      let rank = ranks.count == 2 ? ranks.max() : nil
      return node.setOutput(0, dtype, node.unknownShape(given: rank))
    }
    if let negative = target.first(where: { ($0.value ?? 0) < 0 }) {
      throw MaasError(.shapeMismatch, "a dimension is negative", found: negative.text)
    }
    let result = try broadcast(shape, target)
    node.setOutput(0, dtype, result, dims: try followed(node, result))
  }

  private func followed(_ node: Inference, _ shape: [Dim]) throws(MaasError) -> [Dim]? {
    guard shape.count <= 1, let elements = try node.followedList(0), let count = Shape(shape).count.value,
      count <= Inference.smallCount
    else { return nil }
    return elements.count == count ? elements : elements.first.map { [Dim](repeating: $0, count: count) }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try node.moving(emit) }

  private func emit(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    if x.shape == y.shape { return node.alias() }
    try node.emitBroadcast(x, y)
  }
}

/// The input repeated as often along each dimension as input 1 says; before opset 6, along the axis that input 2 names.
package final class Tile: ReadableOperator {
  package let name = "Tile"
  private let hasAxis: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    hasAxis = reader.opset < 6
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(hasAxis ? 3...3 : 2...2)
    try node.expectMovable(0)
    if !hasAxis { try node.expectDType(1, [.int64]) }
    let dtype = try node.dtype(0)
    let given = try node.wholeNumbers(1)
    let axis = hasAxis ? try node.wholeNumbers(2) : nil
    guard let shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    guard let given, let repeats = try repeats(given, axis, rank: shape.count) else {
      return node.setOutput(0, dtype, node.unknownShape(rank: shape.count))
    }
    guard repeats.count == shape.count, repeats.allSatisfy({ ($0.value ?? 0) >= 0 }) else {
      throw MaasError(
        .shapeMismatch, "the repeats do not fit the input \(Shape(shape).text)",
        expected: "\(shape.count) numbers, none negative", found: Shape(repeats).text)
    }
    node.setOutput(0, dtype, zip(shape, repeats).map { $0 * $1 })
  }

  /// A number for each dimension.
  private func repeats(_ given: [Dim], _ axis: [Dim]?, rank: Int) throws(MaasError) -> [Dim]? {
    guard hasAxis else { return given }
    guard let count = given.first, let axis = axis?.first?.value else { return nil }
    var repeats = [Dim](repeating: .known(1), count: rank)
    repeats[try normalized(axis: axis, rank: rank)] = count
    return repeats
  }

  /// Some dimensions at a time, the last ones first: each that is repeated makes two of a copy's.
  package func lower(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    var x = try node.input(0)
    var repeated = y.shape.indices.filter { x.shape[$0] != y.shape[$0] }
    while repeated.count > 3 {
      var shape = x.shape
      for d in repeated.suffix(3) { shape[d] = y.shape[d] }
      let wider = try node.temporary(y.dtype, shape)
      try emitRepeats(&node, x, wider)
      x = wider
      repeated.removeLast(3)
    }
    try emitRepeats(&node, x, y)
  }

  /// One copy over (repeat, dimension) pairs: the repeats have stride 0 in the input.
  private func emitRepeats(_ node: inout Lowering, _ x: Operand, _ y: Operand) throws(MaasError) {
    let (xOwn, yOwn) = (contiguousStrides(x.shape), contiguousStrides(y.shape))
    var (dims, xStrides, yStrides): ([Int], [Int], [Int]) = ([], [], [])
    for d in x.shape.indices {
      dims += [x.shape[d] == 0 ? 0 : y.shape[d] / x.shape[d], x.shape[d]]
      xStrides += [0, xOwn[d]]
      yStrides += [yOwn[d] * x.shape[d], yOwn[d]]
    }
    try node.emitCopy(x, y, dims, xStrides: xStrides, yStrides: yStrides)
  }
}
