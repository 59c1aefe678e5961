import CMaasSystem
import MaasCore
import MaasGraph

/// The operators of ai.onnx.preview.training that take a step of gradient descent: Adagrad, Adam and Momentum.
///
/// Inputs: the learning rate, the count of steps so far, then all tensors, all their gradients, and all of each kind of
/// state. Outputs: the new tensors and the new states, in the same order.
package final class UpdateRule: OperatorFamily {
  enum Rule { case adagrad, adam, momentum, nesterov }

  package struct Row: Sendable {
    let name: String
    let rule: Rule
    /// Tensors that go along with each one that is trained.
    let states: Int

    package static let adagrad = Row(name: "Adagrad", rule: .adagrad, states: 1)
    package static let adam = Row(name: "Adam", rule: .adam, states: 2)
    package static let momentum = Row(name: "Momentum", rule: .momentum, states: 1)
  }

  private let row: Row
  private let params: UpdateParams
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    var params = UpdateParams(rule: row.rule)
    params.normCoefficient = Double(try reader.float("norm_coefficient") ?? 0)
    switch row.rule {
    case .adagrad: params.decay = Double(try reader.float("decay_factor") ?? 0)
    case .adam:
      params.normCoefficientPost = Double(try reader.float("norm_coefficient_post") ?? 0)
      params.alpha = Double(try reader.float("alpha") ?? 0.9)
      params.beta = Double(try reader.float("beta") ?? 0.999)
    default:
      params.alpha = Double(try reader.required("alpha"))
      params.beta = Double(try reader.required("beta"))
      params.rule = try reader.isNesterov() ? .nesterov : .momentum
    }
    if row.rule != .momentum { params.epsilon = Double(try reader.float("epsilon") ?? 1e-6) }
    self.params = params
    try reader.finish()
  }

  /// How many tensors are trained.
  private func count(_ inputs: Int) throws(MaasError) -> Int {
    let kinds = row.states + 2
    guard inputs > 2, (inputs - 2) % kinds == 0 else {
      throw MaasError(
        .invalidModel, "the number of inputs is wrong", expected: "2 and a multiple of \(kinds)",
        found: "\(inputs)")
    }
    return (inputs - 2) / kinds
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    let count = try count(node.inputs.count)
    try node.expectDType(0, [.float, .double])
    try node.expectDType(1, [.int64])
    for i in 0..<2 { try node.expectElement(i) }
    for i in 0..<count {
      let first = 2 + i
      try node.expectDType(first, [.float, .double])
      var shape = try node.shape(first)
      for kind in 1..<row.states + 2 {
        try node.expectSameDType(first, first + kind * count)
        shape = try common(shape, try node.shape(first + kind * count), first + kind * count)
      }
      for kind in 0..<row.states + 1 {
        node.setOutput(i + kind * count, try node.dtype(first), shape)
      }
    }
  }

  private func common(_ a: [Dim]?, _ b: [Dim]?, _ input: Int) throws(MaasError) -> [Dim]? {
    guard let a, let b else { return a ?? b }
    guard a.count == b.count else {
      throw MaasError(
        .shapeMismatch, "input \(input) has another shape than the tensor it belongs to",
        expected: Shape(a).text, found: Shape(b).text)
    }
    var result: [Dim] = []
    for (x, y) in zip(a, b) { result.append(try unified(x, y, "the dimensions of input \(input)")) }
    return result
  }

  package func lower(_ node: inout Lowering) throws(MaasError) {
    let count = try count(node.inputs.count)
    let rate = try node.converted(try node.input(0), .double)
    var floats: [UpdatedTensor] = []
    for i in 0..<count {
      if try node.input(2 + i).dtype == .float {
        floats.append(try node.updatedTensor(i, of: count, first: 2, states: row.states))
        continue
      }
      var operands: [Operand?] = [rate, try node.input(1)]
      for kind in 0..<row.states + 2 { operands.append(try node.input(2 + i + kind * count)) }
      if row.states == 1 { operands.append(nil) }
      for kind in 0..<row.states + 1 { operands.append(node.optionalOutput(i + kind * count)) }
      let x = try node.input(2 + i)
      node.emit(
        { dispatch(UpdateKernel.self, Chunk($0, $1, $2, $3)) }, operands, params, dtype: x.dtype,
        items: x.count,
        grain: grain(nanoseconds: 4))
    }
    guard !floats.isEmpty else { return }
    try node.emitUpdate(params.kernel, UpdateInputs(rate: rate, time: try node.input(1)), floats)
  }
}

extension AttributeReader {
  fileprivate mutating func required(_ name: String) throws(MaasError) -> Float {
    guard let value = try float(name) else {
      throw MaasError(.invalidModel, "attribute '\(name)' is missing", expected: "float")
    }
    return value
  }

  fileprivate mutating func isNesterov() throws(MaasError) -> Bool {
    let mode = try string("mode") ?? ""
    guard mode == "nesterov" || mode == "standard" else {
      throw MaasError(
        .invalidModel, "attribute 'mode' has an unknown value", expected: "standard or nesterov", found: mode)
    }
    return mode == "nesterov"
  }
}
