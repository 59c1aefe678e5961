import MaasCore
import MaasGraph

extension Reshape {
  package func gradient(_ node: inout Backward) throws(MaasError) { try node.contributeReshaped() }
}

extension Squeeze {
  package func gradient(_ node: inout Backward) throws(MaasError) { try node.contributeReshaped() }
}

extension Unsqueeze {
  package func gradient(_ node: inout Backward) throws(MaasError) { try node.contributeReshaped() }
}

extension Identity {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    try node.contribute(try node.gradient(), to: 0)
  }
}

extension Flatten {
  package func gradient(_ node: inout Backward) throws(MaasError) { try node.contributeReshaped() }
}
