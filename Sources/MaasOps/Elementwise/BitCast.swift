import MaasCore
import MaasGraph

/// The same bits read as elements of another type of the same width.
package final class BitCast: ReadableOperator {
  package let name = "BitCast"
  private let to: DType

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    guard let dtype = try reader.dtype("to") else {
      throw MaasError(.invalidModel, "attribute 'to' is missing", expected: "an element type")
    }
    to = dtype
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    let from = try node.dtype(0)
    guard from != .string, to != .string, from.bitWidth == to.bitWidth else {
      throw MaasError(
        .typeMismatch, "the elements of \(from.name) cannot be read as \(to.name)",
        expected: "types of the same width, no strings",
        found: "\(from.bitWidth) and \(to.bitWidth) bits")
    }
    node.setOutput(0, to, try node.shape(0))
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { node.alias() }
}
