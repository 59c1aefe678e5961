import MaasCore
import MaasGraph

extension TopK {
  /// Of the values; the indices say where they came from.
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard let dy = node.gradient(of: 0) else { return }
    var reader = AttributeReader(inputs: 2, ("axis", .int(axis)))
    let inputs: [ValueID?] = [dy, try node.input(0), node.output(making: 1)]
    try node.contribute(node.add(MovedGradient(try GatherElements(&reader)), inputs), to: 0)
  }
}

extension Trilu {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    let inputs: [ValueID?] = [try node.gradient(), node.optionalInput(1)]
    try node.contribute(node.add(self, inputs), to: 0)
  }
}
