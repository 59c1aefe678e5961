import MaasCore
import MaasGraph

/// The partial inverse of MaxPool: its maxima at the places they came from, zeros elsewhere.
package final class MaxUnpool: ReadableOperator {
  package let name = "MaxUnpool"
  private let window: Window

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    window = try Window(&reader)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...3)
    try node.expectDType(0, DType.floats)
    try node.expectDType(1, [.int64])
    try node.expectMinimumRank(0, 3)
    let dtype = try node.dtype(0)
    let asked = node.has(2) ? try node.dims(2) : nil
    guard let x = try node.shape(0) else { return node.setOutput(0, dtype, asked) }
    try node.expectRank(1, x.count)
    if let indices = try node.shape(1) {
      for d in x.indices {
        _ = try unified(x[d], indices[d], "dimension \(d) of the maxima and their places")
      }
    }
    let pooled = try pooled(x)
    guard node.has(2) else { return node.setOutput(0, dtype, pooled) }
    if let asked { try check(asked, pooled) }
    node.setOutput(0, dtype, asked ?? node.unknownShape(rank: x.count))
  }

  /// The shape that the places count in: what MaxPool had.
  private func pooled(_ x: [Dim]) throws(MaasError) -> [Dim] {
    let sizes = try window.sizes(rank: x.count - 2)
    return x[..<2] + (try window.spread(Array(x[2...]), sizes, nil, nil).output)
  }

  private func check(_ asked: [Dim], _ pooled: [Dim]) throws(MaasError) {
    let fits = zip(asked, pooled).allSatisfy { ($0.value ?? .max) >= ($1.value ?? 0) }
    guard asked.count == pooled.count, fits else {
      throw MaasError(
        .shapeMismatch, "the output's shape is too small", expected: "at least \(Shape(pooled).text)",
        found: Shape(asked).text)
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    let zero = try cast(try Tensor(.float, [], [Float(0)]), to: y.dtype)
    try node.emitFill(y, zero)
    let pooled = try pooled(x.shape.map { .known($0) }).map { $0.value ?? 0 }
    let params = UnpoolParams(
      count: x.count, limit: pooled.reduce(1, *), rank: x.rank, from: inlineShape(pooled),
      to: inlineShape(y.shape))
    // Places may fall anywhere, and the last of equal ones holds: one thread keeps that order.
    node.emit(
      { dispatch(UnpoolKernel.self, Chunk($0, $1, $2, $3)) }, [x, try node.input(1), y], params,
      dtype: x.dtype, items: x.count == 0 ? 0 : 1)
  }
}

private func inlineShape(_ shape: [Int]) -> InlineArray<5, Int> {
  var sizes = InlineArray<5, Int>(repeating: 1)
  for (d, size) in shape.prefix(5).enumerated() { sizes[d] = size }
  return sizes
}

private struct UnpoolParams {
  let count, limit, rank: Int
  let from, to: InlineArray<5, Int>

  /// The flat index in shape `to` of a flat index in shape `from`.
  @inline(__always)
  func moved(_ index: Int) -> Int {
    var (rest, result, step) = (index, 0, 1)
    for d in (0..<rank).reversed() {
      result += rest % from[d] * step
      rest /= from[d]
      step *= to[d]
    }
    return result
  }
}

/// x, int64 places, y.
private enum UnpoolKernel: MovementKernel {
  static func run<T: BitwiseCopyable>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let p = chunk.params(UnpoolParams.self).pointee
    let (x, places) = (chunk.input(0, as: T.self), chunk.input(1, as: Int64.self))
    for i in 0..<p.count {
      let place = Int(places[i])
      guard place >= 0, place < p.limit else { return chunk.refuse(value: place, range: 0..<p.limit) }
      chunk.output(2, as: T.self)[p.moved(place)] = x[i]
    }
    return StepStatus.ok
  }
}
