import MaasCore
import MaasGraph

extension Cast {
  package func gradient(_ node: inout Backward) throws(MaasError) { try node.contributeCast() }
}

extension CastLike {
  package func gradient(_ node: inout Backward) throws(MaasError) { try node.contributeCast() }
}

extension Backward {
  /// In the type of input 0, which a gradient only goes to where that is one of floats.
  fileprivate mutating func contributeCast() throws(MaasError) {
    var reader = AttributeReader(inputs: 2)
    let inputs: [ValueID?] = [try gradient(), try input(0)]
    try contribute(add(try CastLike(&reader), inputs), to: 0)
  }
}
