import MaasCore
import MaasGraph

/// A new last axis with one where the category of the element has its place, zeros elsewhere. An element of no category
/// has only zeros, or is refused.
package final class OneHotEncoder: ReadableOperator {
  package let name = "OneHotEncoder"
  private let categories: KeyTable
  private let count: Int
  private let allowsZeros: Bool

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let keys = try reader.keys("cats_int64s", "cats_strings")
    (categories, count) = (try KeyTable(keys), keys.count)
    allowsZeros = try reader.int("zeros") ?? 1 != 0
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    try node.expectDType(0, categories.dtype == .string ? [.string] : [.int64, .int32, .float, .double])
    node.setOutput(0, .float, try node.shape(0).map { $0 + [.known(count)] })
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    try categories.emit(
      &node, try node.input(0), .row(width: count), refuses: !allowsZeros, to: try node.output())
  }
}
