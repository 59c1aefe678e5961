import MaasCore
import MaasGraph

/// The input as an optional, or nothing of the type that the attribute says.
package final class OptionalOperator: ReadableOperator, HostOperator {
  package let name = "Optional"
  /// What nothing would be.
  private let type: Fact?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    type = try reader.type("type")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    guard var fact = node.has(0) ? try node.anyInput(0) : type else {
      throw MaasError(.invalidModel, "neither an input nor the attribute 'type' says what the optional holds")
    }
    fact.constant = nil
    fact.dims = nil
    fact.container = .optional(of: fact.container)
    node.setOutput(0, fact)
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    [.optional(call.has(0) ? try call.input(0) : nil)]
  }
}

/// What the optional holds; anything else is handed on.
package final class OptionalGetElement: ReadableOperator, HostOperator {
  package let name = "OptionalGetElement"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(1...1)
    var fact = try node.anyInput(0)
    if case .optional(let content) = fact.container { fact.container = content }
    node.setOutput(0, Fact(fact.dtype, fact.shape, container: fact.container))
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    let input = try call.input(0)
    guard case .optional(let content) = input else { return [input] }
    guard let content else { throw MaasError(.outOfRange, "the optional is empty") }
    return [content]
  }
}

/// Whether there is anything.
package final class OptionalHasElement: ReadableOperator, HostOperator {
  package let name = "OptionalHasElement"

  package init(_ reader: inout AttributeReader) throws(MaasError) { try reader.finish() }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(0...1)
    node.setOutput(0, .bool, [])
  }

  package func run(_ call: HostCall) throws(MaasError) -> [Datum?] {
    var has = call.has(0)
    if has, case .optional(nil) = try call.input(0) { has = false }
    return [.tensor(try Tensor(.bool, [], [UInt8(has ? 1 : 0)]))]
  }
}
