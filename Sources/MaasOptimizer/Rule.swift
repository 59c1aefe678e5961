import MaasCore
import MaasGraph

/// One named rewrite of a graph. Its guard is inside `apply`, which changes nothing where the rule does not fit.
package struct Rule: Sendable {
  package let name: String
  /// What the rule may do to results.
  package let effect: Effect
  /// True where ONNX has no form for what the rule makes: left out of graphs that are to be written.
  package var isInternal = false
  /// Rewrites the graph wherever the rule fits and returns how often that was.
  let apply: @Sendable (inout Graph) throws(MaasError) -> Int

  package enum Effect: Int, Sendable, Comparable {
    /// Bit for bit the same results.
    case exact = 1
    /// The same value up to rounding: arithmetic is done in another order.
    case rounding = 2

    package static func < (a: Effect, b: Effect) -> Bool { a.rawValue < b.rawValue }
  }
}
