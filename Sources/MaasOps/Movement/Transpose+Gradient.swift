import MaasCore
import MaasGraph

extension Transpose {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    var inverse = perm
    if let perm {
      for (i, axis) in try order(perm.count).enumerated() { inverse?[axis] = i }
    }
    let dy = try node.gradient()
    try node.contribute(node.add(Transpose(perm: inverse), [dy]), to: 0)
  }
}
