import MaasGraph

extension AttributeReader {
  /// Attributes as a node of the newest opsets would have them: gradients make operators of them.
  init(inputs: Int, _ attributes: (name: String, value: AttributeValue)...) {
    self.init(
      attributes.map { Attribute($0.name, $0.value) }, opset: 22, inputCount: inputs, outputCount: 1)
  }
}
