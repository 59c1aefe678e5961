import MaasCore
import MaasGraph
import MaasOps

extension Operator {
  /// Whether it is one of the element-wise functions or reductions that its name says, with nothing fused into it.
  var isElementary: Bool {
    (self as? Binary)?.isPlain ?? (self is Unary || self is Pow || self is Reduce)
  }
}
