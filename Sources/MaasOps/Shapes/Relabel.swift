import MaasCore
import MaasGraph

/// Operators whose output is their first input under another shape: nothing is computed, nothing is copied.
package final class Identity: ReadableOperator {
  package let name = "Identity"

  package init() {}
  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package var forwards: Bool { true }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    var fact = try node.anyInput(0)
    fact.constant = nil
    node.setOutput(0, fact)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { node.alias() }
}

/// The first dimensions in one, the rest in another.
package final class Flatten: ReadableOperator {
  package let name = "Flatten"
  private let axis: Int

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    axis = try reader.int("axis") ?? 1
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    let dtype = try node.dtype(0)
    guard let shape = try node.shape(0) else { return node.setOutput(0, dtype, node.unknownShape(rank: 2)) }
    let axis = self.axis == shape.count ? axis : try normalized(axis: axis, rank: shape.count)
    let parts = [Shape(Array(shape[..<axis])).count, Shape(Array(shape[axis...])).count]
    node.setOutput(0, dtype, parts)
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { node.alias() }
}
