import MaasCore
import MaasGraph

extension Dropout {
  /// That of inference, where the input is passed on. What a training run draws cannot be drawn again.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard !isRandom else {
      throw MaasError(
        .unsupported, "the operator has no gradient in training mode",
        hint: "train with the trainer, which puts dropout of its own in the node's place")
    }
    try node.contribute(try node.gradient(), to: 0)
  }
}
