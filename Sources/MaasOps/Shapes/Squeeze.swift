import MaasCore
import MaasGraph

/// Axes that are an attribute before opset 13 and an optional input since.
struct AxesSource {
  /// The attribute; nil where the axes are input 1.
  let attribute: [Int]?
  private let isInput: Bool

  init(_ reader: inout AttributeReader, inputSince: Int) throws(MaasError) {
    isInput = reader.opset >= inputSince
    attribute = isInput ? nil : try reader.ints("axes")
  }

  init(_ axes: [Int]) {
    attribute = axes
    isInput = false
  }

  enum Axes {
    case absent
    case unknown
    case known([Int])
  }

  /// How many inputs the operator has at most.
  var inputs: ClosedRange<Int> { 1...(isInput ? 2 : 1) }

  func axes(_ node: inout Inference) throws(MaasError) -> Axes {
    if let attribute { return .known(attribute) }
    guard isInput, node.has(1) else { return .absent }
    try node.expectDType(1, [.int64, .int32])
    return try node.integers(1).map { .known($0) } ?? .unknown
  }

  /// How many axes there are, as far as the input's shape tells.
  func count(_ node: Inference) throws(MaasError) -> Int? {
    if let attribute { return attribute.count }
    return try node.shape(1).flatMap { Shape($0).count.value }
  }
}

/// The axes as indices in 0..<rank, each once.
func normalized(axes: [Int], rank: Int) throws(MaasError) -> [Int] {
  var result: [Int] = []
  for axis in axes {
    let index = try normalized(axis: axis, rank: rank)
    if result.contains(index) { throw MaasError(.invalidModel, "an axis is named twice", found: "\(axis)") }
    result.append(index)
  }
  return result
}

/// Removes dimensions of 1: those named, or all.
package final class Squeeze: ReadableOperator {
  package let name = "Squeeze"
  private let source: AxesSource

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    source = try AxesSource(&reader, inputSince: 13)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(source.inputs)
    let (dtype, elements) = (try node.dtype(0), try node.input(0).dims)
    guard let shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    switch try source.axes(&node) {
    case .known(let axes):
      node.setOutput(0, dtype, try squeezed(shape, axes), dims: elements)
    case .absent:
      let isKnown = shape.allSatisfy { $0.value != nil }
      node.setOutput(0, dtype, isKnown ? shape.filter { $0 != .known(1) } : nil, dims: elements)
    case .unknown:
      let rank = try source.count(node).map { shape.count - $0 }
      node.setOutput(0, dtype, node.unknownShape(given: rank))
    }
  }

  private func squeezed(_ shape: [Dim], _ axes: [Int]) throws(MaasError) -> [Dim] {
    let axes = try normalized(axes: axes, rank: shape.count)
    var result: [Dim] = []
    for (i, dim) in shape.enumerated() {
      guard axes.contains(i) else {
        result.append(dim)
        continue
      }
      if let value = dim.value, value != 1 {
        throw MaasError(
          .shapeMismatch, "dimension \(i) of \(Shape(shape).text) cannot be squeezed", expected: "1",
          found: "\(value)")
      }
    }
    return result
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { node.alias() }
}

/// Inserts dimensions of 1 at the named places of the output.
package final class Unsqueeze: ReadableOperator {
  package let name = "Unsqueeze"
  private let source: AxesSource

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    source = try AxesSource(&reader, inputSince: 13)
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(source.inputs)
    let (dtype, elements) = (try node.dtype(0), try node.input(0).dims)
    guard let shape = try node.shape(0) else { return node.setOutput(0, dtype, nil) }
    switch try source.axes(&node) {
    case .known(let axes):
      node.setOutput(0, dtype, try unsqueezed(shape, axes), dims: elements)
    case .absent:
      throw MaasError(.invalidModel, "the axes are missing")
    case .unknown:
      let rank = try source.count(node).flatMap { sum(shape.count, $0) }
      node.setOutput(0, dtype, node.unknownShape(given: rank))
    }
  }

  private func unsqueezed(_ shape: [Dim], _ axes: [Int]) throws(MaasError) -> [Dim] {
    let rank = shape.count + axes.count
    try checkRank(rank)
    let axes = try normalized(axes: axes, rank: rank)
    var rest = shape.makeIterator()
    var result: [Dim] = []
    for i in 0..<rank { result.append(axes.contains(i) ? .known(1) : rest.next() ?? .known(1)) }
    return result
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { node.alias() }
}
