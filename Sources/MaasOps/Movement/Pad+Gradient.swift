import MaasCore
import MaasGraph

extension Pad {
  /// What is added has no gradient, or that of the elements it repeats.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    if node.optionalInput(2) != nil, node.wants(2) {
      throw MaasError(.unsupported, "the operator has no gradient of the value it pads with")
    }
    let inputs: [ValueID?] = [try node.gradient(), try node.input(0)]
    let own: [ValueID?] = [node.optionalInput(1), nil, node.optionalInput(3)]
    try node.contribute(node.add(MovedGradient(self, needsContents: true), inputs + own), to: 0)
  }
}
