import MaasCore
import MaasGraph
import MaasOps

extension Graph {
  /// Takes what follows from the inputs for the shape of every value, whatever the model declares: rules must not be
  /// misled by a file.
  mutating func takeInferredShapes() throws(MaasError) {
    var count = 0
    let facts = try inferredFacts { _ in
      count += 1
      return .symbol("?\(count)")
    }
    for (i, fact) in facts.enumerated() {
      if let fact { (values[i].dtype, values[i].shape) = (fact.dtype, fact.shape) }
    }
  }
}

extension Operator {
  /// Whether it is one of the element-wise functions or reductions that its name says, with nothing fused into it.
  var isElementary: Bool {
    (self as? Binary)?.isPlain ?? (self is Unary || self is Pow || self is Reduce)
  }
}
