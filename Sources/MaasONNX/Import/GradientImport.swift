import MaasCore
import MaasGraph
import MaasOps

/// What a node of the operator Gradient says: the partial derivatives of `y` with respect to `xs`, taking `xs` and
/// `zs` as independent. The names are of values of the graph that the node stands in.
struct GradientRequest {
  let xs: [String]
  let zs: [String]
  let y: String

  init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let xs = try reader.strings("xs"), let y = try reader.string("y") else {
      throw MaasError(.invalidModel, "attribute 'xs' or 'y' is missing")
    }
    (self.xs, self.y) = (xs, y)
    zs = try reader.strings("zs") ?? []
    guard reader.inputCount == xs.count + zs.count else {
      throw MaasError(
        .invalidModel, "the number of inputs is wrong",
        expected: "\(xs.count + zs.count), one for each of xs and zs",
        found: "\(reader.inputCount)")
    }
    guard reader.outputCount <= xs.count else {
      throw MaasError(
        .invalidModel, "there are too many outputs", expected: "at most \(xs.count), one for each of xs",
        found: "\(reader.outputCount)")
    }
    try reader.finish()
  }
}

extension Graph {
  /// Adds nodes that compute the gradient of `y` with respect to `named`, the first values of which are the variables,
  /// at the values `given`.
  mutating func addGradients(of y: ValueID, named: [ValueID], variables: Int, at given: [ValueID])
    throws(MaasError) -> [ValueID]
  {
    var y = y
    if named != given { y = copied(y, replacing: named, by: given) }
    return try addGradients(of: y, to: Array(given.prefix(variables)), fixed: Array(given[variables...]))
  }

  /// A copy of everything between the values `old` and `y`, which reads the values `new` in their place.
  private mutating func copied(_ y: ValueID, replacing old: [ValueID], by new: [ValueID]) -> ValueID {
    var copies: [ValueID: ValueID] = [:]
    for (x, replacement) in zip(old, new) { copies[x] = replacement }
    for i in dependents(of: old, fixed: [], upTo: [y]).nodes {
      var node = nodes[i]
      node.inputs = node.inputs.map { $0.map { copies[$0] ?? $0 } }
      node.outputs = node.outputs.map { output in
        guard let output, copies[output] == nil else { return nil }
        let copy = add(self[output])
        copies[output] = copy
        return copy
      }
      nodes.append(node)
    }
    return copies[y] ?? y
  }
}
