import MaasCore
import MaasGraph

/// Every step-th element from start towards end, along the named axes. The four lists are attributes before opset 10
/// and inputs since.
package final class SliceOperator: ReadableOperator {
  package let name = "Slice"

  private struct Lists {
    var starts: [Dim]
    var ends: [Dim]
    var axes: [Int]
    var steps: [Int]
  }
  private let attributes: Lists?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    if reader.opset < 10 {
      let (starts, ends) = (try reader.ints("starts") ?? [], try reader.ints("ends") ?? [])
      let axes = try reader.ints("axes") ?? Array(starts.indices)
      attributes = Lists(
        starts: starts.map { .known($0) }, ends: ends.map { .known($0) }, axes: axes,
        steps: starts.map { _ in 1 })
    } else {
      attributes = nil
    }
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...5)
    let dtype = try node.dtype(0)
    var lists = attributes
    if lists == nil { lists = try inputLists(&node) }
    guard var shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    guard let lists else { return node.setOutput(0, dtype, node.unknownShape(rank: shape.count)) }
    try check(lists, rank: shape.count)
    let followed = try followed(node, lists)
    for (i, axis) in lists.axes.enumerated() {
      let d = try normalized(axis: axis, rank: shape.count)
      shape[d] = count(shape[d], lists.starts[i], lists.ends[i], lists.steps[i]) ?? node.unknownDim()
    }
    node.setOutput(0, dtype, shape, dims: followed)
  }

  private func inputLists(_ node: inout Inference) throws(MaasError) -> Lists? {
    // Each is asked for, so that all are read at once when they depend on data.
    let (starts, ends) = (try node.dims(1), try node.dims(2))
    let axes = node.has(3) ? try node.integers(3) : starts.map { Array($0.indices) }
    let steps = node.has(4) ? try node.integers(4) : starts.map { $0.map { _ in 1 } }
    guard let starts, let ends, let axes, let steps else { return nil }
    return Lists(starts: starts, ends: ends, axes: axes, steps: steps)
  }

  private func check(_ lists: Lists, rank: Int) throws(MaasError) {
    let count = lists.axes.count
    guard lists.starts.count == count, lists.ends.count == count, lists.steps.count == count else {
      throw MaasError(
        .invalidModel, "starts, ends, axes and steps differ in length",
        found: describe([lists.starts.count, lists.ends.count, count, lists.steps.count]))
    }
    _ = try normalized(axes: lists.axes, rank: rank)
    if lists.steps.contains(0) { throw MaasError(.invalidModel, "a step is zero") }
    if lists.steps.contains(.min) { throw MaasError(.outOfRange, "a step is too large") }
  }

  /// How many elements of a dimension are taken; nil when it cannot be told.
  private func count(_ size: Dim, _ start: Dim, _ end: Dim, _ step: Int) -> Dim? {
    if let size = size.value, let start = start.value, let end = end.value {
      return .known(Interval(size, start, end, step).count)
    }
    if step < 0 { return isReversal(start, end) ? (size + .known(-1 - step)).floorDivided(by: -step) : nil }
    // From one place counted from the end to an earlier one.
    if let start = start.value, let end = end.value, start < 0, end <= start { return .known(0) }
    return (fromFront(end, size) - fromFront(start, size) + .known(step - 1)).floorDivided(by: step)
  }

  /// Whether a bound is counted from the end of a dimension that may be smaller than that: at least 1 is taken for
  /// sure.
  private func isCounted(_ bound: Dim, from size: Dim) -> Bool {
    guard let value = bound.value, value < -1 else { return false }
    return !(size + bound).isNeverNegative
  }

  /// Whether a negative step goes through the whole dimension.
  private func isReversal(_ start: Dim, _ end: Dim) -> Bool {
    let (start, end) = (start.value ?? 0, end.value ?? 0)
    return (start == -1 || start >= Int(Int32.max)) && end <= -Int(Int32.max)
  }

  /// A bound counted from the front. An expression that may have either sign is taken not to be below 0.
  private func fromFront(_ bound: Dim, _ size: Dim) -> Dim {
    if isCounted(bound, from: size) { return size - .least(.known(0) - bound, size) }
    if let value = bound.value, value >= Int(Int32.max) { return size }
    guard bound != .known(0), (.known(0) - bound).isNeverNegative else { return .least(bound, size) }
    return size.value == nil || bound.value == nil ? size + bound : .known(max(0, (size + bound).value ?? 0))
  }

  /// The same for the elements of a small tensor.
  private func followed(_ node: Inference, _ lists: Lists) throws(MaasError) -> [Dim]? {
    guard let (elements, whole) = try node.followedElements(0) else { return nil }
    var (shape, strides, offset) = (whole, contiguousStrides(whole), 0)
    for (i, axis) in lists.axes.enumerated() {
      guard let start = lists.starts[i].value, let end = lists.ends[i].value else { return nil }
      let d = try normalized(axis: axis, rank: shape.count)
      let interval = Interval(shape[d], start, end, lists.steps[i])
      offset += interval.start * strides[d]
      shape[d] = interval.count
      if interval.count > 1 { strides[d] *= lists.steps[i] }
    }
    return picked(elements, shape, strides: strides, offset: offset)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try node.moving(emit) }

  private func emit(_ node: inout Lowering) throws(MaasError) {
    let (x, y) = (try node.input(0), try node.output())
    if x.shape == y.shape, try isWhole(node) { return node.alias() }
    let view = try view(node, of: x.shape, shape: y.shape)
    try node.emitCopy(
      x, y, y.shape, xStrides: view.strides, yStrides: contiguousStrides(y.shape), xOffset: view.offset)
  }

  /// Where a slice of that shape lies in a tensor of shape `x`; inputs 1 to 4 of the node say what is taken.
  func view(_ node: Lowering, of x: [Int], shape: [Int]) throws(MaasError) -> (strides: [Int], offset: Int) {
    var strides = contiguousStrides(x)
    var offset = 0
    let (starts, axes, steps) = try numbers(node)
    for (i, axis) in axes.enumerated() {
      let d = try normalized(axis: axis, rank: x.count)
      // The end only matters for the count, which the output's shape has.
      let start = Interval(x[d], starts[i], steps[i] > 0 ? .max : .min, steps[i]).start
      offset += start * strides[d]
      if shape[d] > 1 { strides[d] *= steps[i] }
    }
    return (strides, offset)
  }

  private func isWhole(_ node: Lowering) throws(MaasError) -> Bool {
    try numbers(node).steps.allSatisfy { $0 == 1 }
  }

  private func numbers(_ node: Lowering) throws(MaasError) -> (starts: [Int], axes: [Int], steps: [Int]) {
    if let attributes {
      return (attributes.starts.compactMap { $0.value }, attributes.axes, attributes.steps)
    }
    let starts = try node.integers(1)
    let axes = node.optionalInput(3) == nil ? Array(starts.indices) : try node.integers(3)
    let steps = node.optionalInput(4) == nil ? starts.map { _ in 1 } : try node.integers(4)
    return (starts, axes, steps)
  }
}

/// What start and end mean for a dimension of `size`: negative ones count from its end, both are clamped.
private struct Interval {
  let start: Int
  let count: Int

  /// `step` is neither 0 nor `Int.min`.
  init(_ size: Int, _ start: Int, _ end: Int, _ step: Int) {
    let (low, high) = step > 0 ? (0, size) : (-1, size - 1)
    func clamped(_ bound: Int) -> Int { max(low, min(high, bound < 0 ? bound + size : bound)) }
    let (from, to) = (clamped(start), clamped(end))
    self.start = max(0, min(from, size))
    let span = step > 0 ? to - from : from - to
    count = span <= 0 ? 0 : (span - 1) / abs(step) + 1
  }
}
