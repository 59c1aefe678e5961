import MaasCore
import MaasGraph

extension MatMul {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard activation.isNone, node.inputCount == 2 else {
      throw MaasError(.unsupported, "the operator has no gradient")
    }
    let (a, b, dy) = (try node.input(0), try node.input(1), try node.gradient())
    if node.wants(0) { try node.contribute(node.add(MatMulGradient(.a), [dy, b, a]), to: 0) }
    if node.wants(1) { try node.contribute(node.add(MatMulGradient(.b), [dy, a, b]), to: 1) }
  }
}
