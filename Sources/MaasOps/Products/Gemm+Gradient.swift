import MaasCore
import MaasGraph

extension Gemm {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    guard activation.isNone else { throw MaasError(.unsupported, "the operator has no gradient") }
    let (a, b, dy) = (try node.input(0), try node.input(1), try node.gradient())
    if node.wants(0) {
      let da =
        transA
        ? node.add(Gemm(alpha: alpha, transA: transB, transB: true), [b, dy])
        : node.add(Gemm(alpha: alpha, transA: false, transB: !transB), [dy, b])
      try node.contribute(da, to: 0)
    }
    if node.wants(1) {
      let db =
        transB
        ? node.add(Gemm(alpha: alpha, transA: true, transB: transA), [dy, a])
        : node.add(Gemm(alpha: alpha, transA: !transA, transB: false), [a, dy])
      try node.contribute(db, to: 1)
    }
    guard node.wants(2) else { return }
    let scaled = beta == 1 ? dy : node.add(Unary(.affine, alpha: beta), [dy])
    try node.contributeBroadcast(scaled, to: 2)
  }
}
