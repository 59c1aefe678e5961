import MaasCore

/// How an operator stands in a model file.
package final class OperatorForm: Sendable {
  /// ONNX's op_type, and the domain ("" is ai.onnx).
  package let name: String
  package let domain: String
  /// The version of the domain whose rules the attributes follow.
  package let opset: Int
  package let attributes: [Attribute]
  /// How many inputs the node had, captures of bodies left out.
  package let inputCount: Int

  package init(_ name: String, domain: String, opset: Int, attributes: [Attribute], inputCount: Int) {
    self.name = name
    self.domain = domain
    self.opset = opset
    self.attributes = attributes
    self.inputCount = inputCount
  }
}

extension OperatorForm {
  /// With other graphs in the place of the attributes that are graphs, in their order.
  package func with(bodies: [Graph]) -> OperatorForm {
    var rest = bodies[...]
    let changed = attributes.map { (attribute) in
      guard case .graph = attribute.value, let body = rest.popFirst() else { return attribute }
      return Attribute(attribute.name, .graph(body))
    }
    return OperatorForm(name, domain: domain, opset: opset, attributes: changed, inputCount: inputCount)
  }
}

/// The forms of a graph's operators, for a graph that will be written. Keeps the operators: an address means one of
/// them for good.
package struct OperatorForms: Sendable {
  private var forms: [ObjectIdentifier: Entry] = [:]

  private struct Entry {
    let op: any Operator
    let form: OperatorForm
  }

  package init() {}

  /// Setting nil changes nothing.
  package subscript(op: any Operator) -> OperatorForm? {
    get { forms[Self.key(op)]?.form }
    set {
      if let newValue { forms[Self.key(op)] = Entry(op: op, form: newValue) }
    }
  }

  /// Embedded Swift takes no `any Operator` here.
  private static func key(_ op: any Operator) -> ObjectIdentifier { ObjectIdentifier(op as AnyObject) }
}

/// The nodes that a rewrite put one node in the place of, with what that node read and made then.
package struct NodeOrigin: Sendable {
  fileprivate let nodes: [Node]
  fileprivate let inputs: [ValueID?]
  fileprivate let outputs: [ValueID?]

  /// What the nodes read and none of them makes.
  package var reads: [ValueID] {
    let made = Set(nodes.flatMap { $0.outputs.compactMap { $0 } })
    return nodes.flatMap { $0.inputs.compactMap { $0 } }.filter { !made.contains($0) }
  }

  /// With more nodes before.
  package func preceded(by makers: [Node]) -> NodeOrigin {
    makers.isEmpty ? self : NodeOrigin(nodes: makers + nodes, inputs: inputs, outputs: outputs)
  }
}

extension Node {
  /// The same node, as what `nodes` did together: a file that has no form for its operator says it with them.
  package func replacing(_ nodes: [Node]) -> Node {
    var node = self
    node.origin = NodeOrigin(nodes: nodes, inputs: inputs, outputs: outputs)
    return node
  }

  /// The nodes that this one replaced, reading and making what it now does. Empty where there are none, or where later
  /// changes of the node cannot be said with them: where it reads another value in place of one that they do not
  /// mention, unless the two are equal.
  package func replaced(_ areEqual: (ValueID, ValueID) -> Bool = { $0 == $1 }) -> [Node] {
    guard let origin, origin.inputs.count == inputs.count, origin.outputs.count == outputs.count else {
      return []
    }
    let read = Set(origin.nodes.flatMap { $0.inputs.compactMap { $0 } })
    var now: [ValueID: ValueID] = [:]
    for (old, new) in zip(origin.inputs + origin.outputs, inputs + outputs) where old != new {
      guard let old, let new else { return [] }
      guard read.contains(old) || origin.outputs.contains(old) || areEqual(old, new) else { return [] }
      now[old] = new
    }
    return origin.nodes.map { node in
      var node = node
      node.inputs = node.inputs.map { $0.map { now[$0] ?? $0 } }
      node.outputs = node.outputs.map { $0.map { now[$0] ?? $0 } }
      return node
    }
  }
}
