import MaasCore
import MaasGraph

extension Cumulative {
  /// Each element counts for those behind it: the sums run the other way.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    if row.isProduct { throw MaasError(.unsupported, "the operator has no gradient") }
    var reader = AttributeReader(
      inputs: 2, ("exclusive", .int(isExclusive ? 1 : 0)), ("reverse", .int(isReverse ? 0 : 1)))
    let inputs: [ValueID?] = [try node.gradient(), try node.input(1)]
    try node.contribute(node.add(try Cumulative(.sum, &reader), inputs), to: 0)
  }
}
