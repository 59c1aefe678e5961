import MaasCore
import MaasGraph
import MaasOps

extension Operator {
  /// Whether it is one of the element-wise functions or reductions that its name says, with nothing fused into it.
  var isElementary: Bool {
    (self as? Binary)?.isPlain ?? (self is Unary || self is Pow || self is Reduce)
  }
}

extension Graph {
  /// The sizes that differ and meet where one of them may be 1 and be repeated: the result bears the name of one, and
  /// may have the size of the other.
  func mixedSizes() -> Set<Dim> {
    var mixed: Set<Dim> = []
    for node in nodes
    where node.op is Binary || node.op is Compare || node.op is Where || node.op is Variadic || node.op is Pow
    {
      let shapes = node.inputs.compactMap { $0.flatMap { self[$0].shape } }
      for i in 0..<(shapes.map { $0.rank }.max() ?? 0) {
        let sizes = Set(shapes.compactMap { $0.dims.reversed()[at: i] }).filter { $0.value == nil }
        if sizes.count > 1 { mixed.formUnion(sizes) }
      }
    }
    return mixed
  }
}
