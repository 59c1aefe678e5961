import MaasCore
import MaasGraph

/// LSTM whose weights are 8-bit integers [directions, input, 4 hidden]: they are dequantized, and the cells computed in
/// float. ONNX Runtime quantizes X and the hidden state too, which costs it about a percent of precision.
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

  package func lower(_ node: inout Lowering) throws(MaasError) {
    var inputs = Array(node.inputs[..<8])
    for (i, scale) in [(1, 8), (2, 10)] {
      let (w, own) = (try node.input(i), try node.input(scale))
      let zero = try node.input(scale + 1)
      let shape = [w.shape[0], 1, own.rank == 2 ? w.shape[2] : 1]
      let wide = try node.temporary(.float, w.shape)
      guard own.count == zero.count else {
        throw MaasError(.unsupported, "the weights' scales and zero points differ in number")
      }
      try node.emitDequantize(w, own, zero, wide, x: w.shape, own: shape)
      inputs[i] = try node.transposed(wide, [0, 2, 1])
    }
    try node.substituting(inputs, node.outputs, lstm.lower)
  }
}
