import MaasCore
import MaasGraph

extension BlockReorder {
  /// The other of the two operators.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    var reader = AttributeReader(
      inputs: 1, ("blocksize", .int(block)), ("mode", .string(channelsFirst ? "CRD" : "DCR")))
    let inverse = try BlockReorder(row.toSpace ? .spaceToDepth : .depthToSpace, &reader)
    try node.contribute(node.add(inverse, [try node.gradient()]), to: 0)
  }
}

extension ReverseSequence {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [try node.gradient(), try node.input(1)]
    try node.contribute(node.add(self, inputs), to: 0)
  }
}
