import MaasCore
import MaasGraph

extension ScatterElements {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    var read = AttributeReader(inputs: 2, ("axis", .int(axis)))
    var written = AttributeReader(inputs: 3, ("axis", .int(axis)))
    try node.contributeScattered(
      reduction, gather: try GatherElements(&read), scatter: try ScatterElements(name, &written))
  }
}

extension ScatterND {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    var (read, written) = (AttributeReader(inputs: 2), AttributeReader(inputs: 3))
    try node.contributeScattered(reduction, gather: try GatherND(&read), scatter: try ScatterND(&written))
  }
}

extension Backward {
  /// The data's gradient is the output's, 0 where an update took an element's place; an update's is read where it went.
  fileprivate mutating func contributeScattered(
    _ reduction: ScatterReduction, gather: any Operator, scatter: any Operator
  ) throws(MaasError) {
    guard reduction == .none || reduction == .add else {
      throw MaasError(
        .unsupported, "the operator has a gradient only for some reductions", expected: "none or add")
    }
    let (dy, indices) = (try gradient(), try input(1))
    if wants(2) { try contribute(add(gather, [dy, indices]), to: 2) }
    guard wants(0) else { return }
    if reduction == .add { return try contribute(dy, to: 0) }
    try contribute(add(scatter, [dy, indices, add(FillLike(0), [try input(2)])]), to: 0)
  }
}
