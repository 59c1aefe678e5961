import MaasCore
import MaasGraph

/// The pieces of a tensor along an axis: of the sizes that `split` says, of one size, or one for each index.
package final class SplitToSequence: ReadableOperator, HostOperator {
  package let name = "SplitToSequence"
  private let axis: Int
  private let keepDims: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? 0
    keepDims = (try reader.int("keepdims") ?? 1) != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...2)
    try node.expectMovable(0)
    if node.has(1) { try node.expectDType(1, [.int32, .int64]) }
    node.setOutput(0, Fact(try node.dtype(0), nil, container: .sequence(of: nil)))
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let x = try call.tensor(0)
    let axis = try normalized(axis: axis, rank: x.shape.count)
    let sizes = try sizes(call, x.shape[axis])
    let drops = !call.has(1) && !keepDims
    var pieces: [Datum] = []
    var first = 0
    for size in sizes {
      let piece = try piece(x, axis, first, size)
      var shape = piece.shape
      if drops { shape.remove(at: axis) }
      pieces.append(.tensor(try piece.reshaped(shape)))
      first += size
    }
    return [.sequence(pieces)]
  }

  private func sizes(_ call: HostCall, _ length: Int) throws(MaasError) -> [Int] {
    guard let split = try call.optionalTensor(1) else { return Array(repeating: 1, count: length) }
    let sizes = try call.integers(1)
    if split.shape.isEmpty {
      guard let size = sizes.first, size > 0 else { throw wrong(length, sizes) }
      let whole = Array(repeating: size, count: length / size)
      return length % size == 0 ? whole : whole + [length % size]
    }
    var total = 0
    for size in sizes {
      guard size >= 0, let next = sum(total, size) else { throw wrong(length, sizes) }
      total = next
    }
    guard total == length else { throw wrong(length, sizes) }
    return sizes
  }

  private func wrong(_ length: Int, _ sizes: [Int]) -> MaasError {
    MaasError(
      .outOfRange, "the split does not fit the axis", expected: "sizes that sum up to \(length)",
      found: describe(sizes))
  }

  private func piece(_ x: Tensor, _ axis: Int, _ first: Int, _ count: Int) throws(MaasError) -> Tensor {
    var shape = x.shape
    shape[axis] = count
    let piece = try Tensor(x.dtype, shape)
    let (from, to) = (try Slices(x.shape, axis: axis, x.dtype), try Slices(shape, axis: axis, x.dtype))
    let slice = try Tensor(x.dtype, from.shape)
    for i in 0..<count {
      from.take(first + i, from: x.bytes, to: slice.bytes)
      to.put(i, from: slice.bytes, to: piece.bytes)
    }
    return piece
  }
}

/// The tensors of a sequence one after another along an axis, or stacked along a new one.
package final class ConcatFromSequence: ReadableOperator, HostOperator {
  package let name = "ConcatFromSequence"
  private let axis: Int
  private let newAxis: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let axis = try reader.int("axis") else {
      throw MaasError(.invalidModel, "attribute 'axis' is missing")
    }
    self.axis = axis
    newAxis = (try reader.int("new_axis") ?? 0) != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    let (fact, element) = try node.sequence(0)
    guard element == nil else {
      throw MaasError(
        .typeMismatch, "input 0 is of the wrong kind", expected: "a sequence of tensors", found: fact.typeText
      )
    }
    node.setOutput(0, fact.dtype, nil)
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    var tensors: [Tensor?] = []
    for element in try call.sequence(0) {
      guard let tensor = element.tensor else { continue }
      tensors.append(newAxis ? try stretched(tensor) : tensor)
    }
    guard !tensors.isEmpty else {
      throw MaasError(.outOfRange, "an empty sequence cannot be concatenated")
    }
    var reader = AttributeReader(
      [Attribute("axis", .int(axis))], opset: 13, inputCount: tensors.count, outputCount: 1)
    let results = try evaluate(try Concat(&reader), tensors, outputs: [true])
    return [results?.first?.map { .tensor($0) }]
  }

  private func stretched(_ tensor: Tensor) throws(MaasError) -> Tensor {
    var shape = tensor.shape
    shape.insert(1, at: try normalized(axis: axis, rank: shape.count + 1))
    return try tensor.reshaped(shape)
  }
}
