import MaasCore
import MaasGraph

extension Graph {
  /// The version of ai.onnx that the nodes follow; nil where none is of it.
  package var opset: Int? {
    for node in nodes {
      if let form = forms[node.op], form.domain.isEmpty { return form.opset }
    }
    return nil
  }

  /// Adds a node of an ONNX operator, which a file can hold, at a version of its domain.
  package mutating func add(
    _ type: String, domain: String = "", opset: Int, _ inputs: [ValueID?], _ name: String,
    _ attributes: [Attribute] = [], outputs: [ValueID?]
  ) throws(MaasError) {
    let op = try made(type, domain: domain, opset: opset, attributes, inputs.count, outputs.count)
    nodes.append(Node(name, op, inputs, outputs))
  }

  /// An operator of ONNX's, with its form.
  package mutating func made(
    _ type: String, domain: String = "", opset: Int, _ attributes: [Attribute] = [], _ inputs: Int,
    _ outputs: Int
  ) throws(MaasError) -> any Operator {
    let row = try operatorRegistration(type, domain: domain, opset: opset)
    var reader = AttributeReader(attributes, opset: opset, inputCount: inputs, outputCount: outputs)
    let op = try row.make(&reader)
    forms[op] = OperatorForm(type, domain: domain, opset: opset, attributes: attributes, inputCount: inputs)
    return op
  }
}
