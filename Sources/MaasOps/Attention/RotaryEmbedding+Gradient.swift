import MaasCore
import MaasGraph

extension RotaryEmbedding {
  /// Rotated back.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard !node.wants(row.cosines), !node.wants(row.sines) else {
      throw MaasError(.unsupported, "the operator has no gradient of its cosines and sines")
    }
    var inputs = (0..<node.inputCount).map { node.optionalInput($0) }
    inputs[0] = try node.gradient()
    inputs[row.sines] = node.negated(try node.input(row.sines))
    try node.contribute(node.add(self, inputs), to: 0)
  }
}
