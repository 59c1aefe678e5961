import MaasCore
import MaasGraph

/// The same elements under the shape that input 1 gives (before opset 5 an attribute): 0 keeps a dimension (unless
/// `allowzero`), -1 takes the rest.
package final class Reshape: ReadableOperator {
  package let name = "Reshape"
  private let allowZero: Bool
  /// The attribute; nil where the shape is an input.
  private let attribute: [Int]?

  package init() { (allowZero, attribute) = (false, nil) }

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    allowZero = try reader.int("allowzero") ?? 0 != 0
    attribute = reader.opset < 5 ? try reader.ints("shape") ?? [] : nil
    reader.ignore("consumed_inputs")
    try reader.finish()
  }

  /// Whether its input 1 names every dimension but at most one, for inputs of any shape.
  package func isAbsolute(_ shape: Tensor?) -> Bool {
    guard attribute == nil, let target = shape?.integers else { return false }
    return allowZero || !target.contains(0)
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    let (dtype, elements) = (try node.dtype(0), try node.input(0).dims)
    guard let target = try target(&node) else {
      let rank = try node.shape(1)?.first?.value
      return node.setOutput(0, dtype, node.unknownShape(given: rank))
    }
    let input = try node.shape(0)
    var shape = try kept(target, of: input, &node)
    if let i = target.firstIndex(of: .known(-1)) {
      shape[i] = try rest(of: input, target, shape, i) ?? node.unknownDim()
    } else if let from = input.flatMap({ Shape($0).count.value }), let to = Shape(shape).count.value,
      from != to
    {
      throw misfit(input, target)
    }
    node.setOutput(0, dtype, shape, dims: elements)
  }

  private func target(_ node: inout Inference) throws(MaasError) -> [Dim]? {
    try node.expectInputs(attribute == nil ? 2...2 : 1...1)
    if let attribute { return attribute.map { .known($0) } }
    try node.expectDType(1, [.int64])
    try node.expectRank(1, 1)
    return try node.dims(1)
  }

  /// The target with zeros replaced by the input's dimensions.
  private func kept(_ target: [Dim], of input: [Dim]?, _ node: inout Inference) throws(MaasError) -> [Dim] {
    var shape = target
    for (i, dim) in target.enumerated() {
      if let value = dim.value, value < -1 { throw misfit(input, target) }
      guard dim == .known(0), !allowZero else { continue }
      if let input {
        guard let own = input[at: i] else { throw misfit(input, target) }
        shape[i] = own
      } else {
        shape[i] = node.unknownDim()
      }
    }
    return shape
  }

  /// What -1 at index `i` stands for; nil when it cannot be told yet.
  private func rest(
    of input: [Dim]?, _ target: [Dim], _ shape: [Dim], _ i: Int
  ) throws(MaasError) -> Dim? {
    var others = shape
    others.remove(at: i)
    guard !others.contains(.known(-1)) else { throw misfit(input, target) }
    guard let input else { return nil }
    let (whole, known) = (Shape(input).count, Shape(others).count)
    if let rest = whole.exactlyDivided(by: known) { return rest }
    if whole.value != nil, known.value != nil {
      if whole == .known(0), known == .known(0) { return .known(0) }
      throw misfit(input, target)
    }
    // What is left over must divide; it only cannot be seen.
    return known.isNeverNegative ? whole.floorDivided(by: known) : nil
  }

  private func misfit(_ input: [Dim]?, _ target: [Dim]) -> MaasError {
    MaasError(
      .shapeMismatch,
      "a tensor of shape \(input.map { Shape($0).text } ?? "?") cannot be reshaped to \(Shape(target).text)",
      hint: "the numbers of elements must be equal")
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { node.alias() }
}
