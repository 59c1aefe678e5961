import MaasCore
import MaasGraph

/// Tensors one after the other along an axis.
package final class Concat: ReadableOperator {
  package let name = "Concat"
  package let axis: Int

  package init(axis: Int) { self.axis = axis }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let axis = try reader.int("axis") ?? (reader.opset < 4 ? 1 : nil) else {
      throw MaasError(.invalidModel, "attribute 'axis' is missing", expected: "an int")
    }
    self.axis = axis
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...Int.max)
    try node.expectSameDTypes(node.inputs.indices)
    var shapes: [[Dim]] = []
    for i in node.inputs.indices {
      if let shape = try node.shape(i) { shapes.append(shape) }
    }
    guard let first = shapes.first else { return node.setOutput(0, try node.dtype(0), nil) }
    let axis = try normalized(axis: axis, rank: first.count)
    var result = first
    for shape in shapes.dropFirst() { result = try joined(result, shape, axis) }
    if shapes.count < node.inputs.count { result[axis] = node.unknownDim() }
    node.setOutput(0, try node.dtype(0), result, dims: try followed(node))
  }

  private func joined(_ a: [Dim], _ b: [Dim], _ axis: Int) throws(MaasError) -> [Dim] {
    guard a.count == b.count else {
      throw MaasError(
        .shapeMismatch, "the inputs differ in rank", expected: Shape(a).text, found: Shape(b).text)
    }
    var result = a
    for d in a.indices {
      result[d] = d == axis ? a[d] + b[d] : try unified(a[d], b[d], "the inputs' dimensions \(d)")
    }
    return result
  }

  private func followed(_ node: Inference) throws(MaasError) -> [Dim]? {
    var result: [Dim] = []
    for i in node.inputs.indices {
      guard let dims = try node.followedList(i) else { return nil }
      result += dims
    }
    return result
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try node.moving(emit) }

  private func emit(_ node: inout Lowering) throws(MaasError) {
    let y = try node.output()
    let axis = try normalized(axis: axis, rank: y.rank)
    let strides = contiguousStrides(y.shape)
    var offset = 0
    for i in node.inputs.indices {
      let x = try node.input(i)
      try node.emitCopy(
        x, y, x.shape, xStrides: contiguousStrides(x.shape), yStrides: strides, yOffset: offset)
      offset += x.shape[axis] * strides[axis]
    }
  }
}

/// A tensor taken apart along an axis: into the sizes that an attribute or (since opset 13) an input gives, or into
/// equal parts.
package final class Split: ReadableOperator {
  package let name = "Split"
  package let axis: Int
  private let sizes: [Int]?
  private let parts: Int
  /// Since opset 18 the last part may be smaller.
  private let allowsRest: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? 0
    sizes = reader.opset < 13 ? try reader.ints("split") : nil
    parts = reader.opset < 18 ? reader.outputCount : try reader.int("num_outputs") ?? reader.outputCount
    allowsRest = reader.opset >= 18
    try reader.finish()
  }

  private init(_ split: Split, axis: Int) {
    (self.axis, sizes, parts, allowsRest) = (axis, split.sizes, split.parts, split.allowsRest)
  }

  /// The same along another axis.
  package func along(_ axis: Int) -> Split { Split(self, axis: axis) }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...2)
    let dtype = try node.dtype(0)
    var given = sizes?.map { Dim.known($0) }
    if given == nil, node.has(1) { given = try node.wholeNumbers(1) }
    guard let shape = try node.shape(0) else {
      for i in 0..<node.outputCount { node.setOutput(i, dtype, nil) }
      return
    }
    let axis = try normalized(axis: axis, rank: shape.count)
    let isGiven = sizes != nil || node.has(1)
    let pieces = isGiven ? given : try equalPieces(shape[axis], node.outputCount)
    try check(pieces, shape[axis], node.outputCount)
    var rest = try node.followedList(0)?[...]
    for i in 0..<node.outputCount {
      var part = shape
      part[axis] = pieces?[at: i] ?? node.unknownDim()
      let count = pieces?[at: i]?.value
      node.setOutput(i, dtype, part, dims: count.flatMap { count in rest.map { Array($0.prefix(count)) } })
      rest = count.flatMap { count in rest.map { $0.dropFirst(count) } }
    }
  }

  private func equalPieces(_ whole: Dim, _ outputs: Int) throws(MaasError) -> [Dim]? {
    guard parts > 0, parts == outputs else {
      throw MaasError(
        .invalidModel, "the number of parts is not that of the outputs", expected: "\(outputs)",
        found: "\(parts)")
    }
    guard let size = whole.value else {
      let piece = (allowsRest ? whole + .known(parts - 1) : whole).floorDivided(by: parts)
      return [Dim](repeating: piece, count: parts - 1) + [
        allowsRest ? whole - .known(parts - 1) * piece : piece
      ]
    }
    let piece = (size + parts - 1) / parts
    let last = size - piece * (parts - 1)
    guard last == piece || (allowsRest && last >= 0) else {
      throw MaasError(
        .shapeMismatch, "a dimension of \(size) cannot be split into \(parts) equal parts")
    }
    return [Dim](repeating: .known(piece), count: parts - 1) + [.known(last)]
  }

  private func check(_ pieces: [Dim]?, _ whole: Dim, _ outputs: Int) throws(MaasError) {
    guard let pieces else { return }
    let sum = pieces.reduce(.known(0)) { $0 + $1 }
    let isNegative = pieces.contains { ($0.value ?? 0) < 0 }
    let differs = sum.value != nil && whole.value != nil && sum != whole
    guard pieces.count == outputs, !isNegative, !differs else {
      throw MaasError(
        .shapeMismatch, "the sizes to split into do not fit",
        expected: "\(outputs) sizes that add up to \(whole.text)", found: Shape(pieces).text)
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try node.moving(emit) }

  private func emit(_ node: inout Lowering) throws(MaasError) {
    let x = try node.input(0)
    let axis = try normalized(axis: axis, rank: x.rank)
    let strides = contiguousStrides(x.shape)
    var offset = 0
    for i in node.outputs.indices {
      guard let y = node.optionalOutput(i) else {
        throw MaasError(.unsupported, "an output in the middle is left out")
      }
      try node.emitCopy(
        x, y, y.shape, xStrides: strides, yStrides: contiguousStrides(y.shape), xOffset: offset)
      offset += y.shape[axis] * strides[axis]
    }
  }
}
