import MaasCore
import MaasGraph

/// LSTM whose weights are 8-bit integers [directions, input, 4 hidden]. X is quantized as DynamicQuantizeLinear does,
/// and so are the hidden values before each step, those of rows that go together with one scale: at most 16, and none
/// that have ended. ONNX Runtime takes all rows that one of its threads has, those of different lengths by how far they
/// are from their ends where it begins there.
package final class DynamicQuantizeLSTM: ReadableOperator {
  package let name = "DynamicQuantizeLSTM"
  private let lstm: Recurrent

  package init(_ reader: inout AttributeReader) throws(MaasError) { lstm = try Recurrent(.lstm, &reader) }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(12...12)
    try node.expectDType(0, [.float])
    var inputs = Array(node.inputs[..<8])
    for (i, scale) in [(1, 8), (2, 10)] {
      try node.expectDType(i, [.uint8, .int8])
      try node.expectRank(i, 3)
      try node.expectSameDType(i, scale + 1)
      try node.expectDType(scale, [.float])
      let shape = try node.shape(i)
      if let shape { try expectPerColumn(node, scale..<scale + 2, shape) }
      inputs[i] = Fact(.float, shape.map { Shape([$0[0], $0[2], $0[1]]) })
    }
    let results = try node.outputs(of: lstm, inputs)
    for (i, fact) in results.enumerated() { node.setOutput(i, fact) }
  }

  private func expectPerColumn(_ node: Inference, _ scales: Range<Int>, _ w: [Dim]) throws(MaasError) {
    for i in scales {
      guard let shape = try node.shape(i) else { continue }
      let isFit = zip(shape, [w[0], w[2]]).allSatisfy { $0 == $1 || $0.value == nil || $1.value == nil }
      if isFit, shape.count == 1 || shape.count == 2 { continue }
      throw MaasError(
        .shapeMismatch, "input \(i) does not fit the weights",
        expected: "\(Shape([w[0]]).text) or \(Shape([w[0], w[2]]).text)", found: Shape(shape).text)
    }
  }

  package func lower(_ node: inout Lowering) throws(MaasError) { try lstm.lowerBytes(&node) }
}
