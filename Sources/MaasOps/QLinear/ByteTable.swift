import CMaasKernels
import MaasCore
import MaasGraph

/// y[i] = table[x[i]] for bytes: a rewrite's, never a file's. The table's elements are in the order of x's bits.
package final class ByteTable: Operator {
  package let name = "ByteTable"

  package init() {}

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(2...2)
    for i in 0..<2 { try node.expectDType(i, [.uint8, .int8]) }
    try node.expectShape(1, [.known(256)])
    node.setOutput(0, try node.dtype(1), try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try node.mayReuseElementwise(0)
    node.emitLookup(try node.input(0), try node.input(1), try node.output())
  }

  package var channelsLast: (any Operator)? {
    ChannelsLast(self) { [self] node throws(MaasError) in try lower(&node) }
  }
}
