import MaasCore
import MaasGraph
import MaasONNX

/// The operators, of ai.onnx, whose attributes and meaning did not change from a version up to version 13.
private let steady: [String: Int] = [
  "Abs": 6, "Add": 7, "AveragePool": 10, "BatchNormalization": 9, "Cast": 9, "Ceil": 6, "Clip": 11,
  "Concat": 4,
  "Constant": 1, "ConstantOfShape": 9, "Conv": 1, "ConvTranspose": 1, "Div": 7, "Elu": 6, "Equal": 7,
  "Erf": 9, "Exp": 6, "Expand": 8, "Flatten": 1, "Floor": 6, "Gather": 1, "Gemm": 7, "GlobalAveragePool": 1,
  "GlobalMaxPool": 1, "Greater": 7, "Identity": 1, "InstanceNormalization": 6, "LRN": 1, "LeakyRelu": 6,
  "Less": 7, "Log": 6, "MatMul": 1, "Max": 8, "MaxPool": 1, "Min": 8, "Mul": 7, "Neg": 6, "Not": 1,
  "PRelu": 7,
  "Pad": 11, "Pow": 7, "Reciprocal": 6, "ReduceMax": 1, "ReduceMean": 1, "ReduceMin": 1, "Relu": 6,
  "Reshape": 5, "Resize": 11, "Shape": 1, "Sigmoid": 6, "Slice": 10, "Softplus": 1, "Sqrt": 6, "Sub": 7,
  "Sum": 8, "Tanh": 6, "Tile": 6, "Transpose": 1, "Where": 9,
]

/// Those of which attributes became inputs behind the first one, in this order.
private let moved: [String: [String]] = [
  "Clip": ["min", "max"], "Pad": ["pads", "value"], "ReduceSum": ["axes"],
  "Slice": ["starts", "ends", "axes"],
  "Split": ["split"], "Squeeze": ["axes"], "Unsqueeze": ["axes"],
]

extension Graph {
  /// Makes the nodes follow a later version, where that changes nothing.
  mutating func raise(to opset: Int) throws(MaasError) {
    guard let now = self.opset, now < opset else { return }
    for (i, node) in nodes.enumerated() {
      guard let form = forms[node.op], form.domain.isEmpty else { continue }
      if let names = moved[form.name], node.inputs.count == 1 {
        nodes[i] = try inNode(node.name, form.name) { () throws(MaasError) in
          try movingAttributes(names, node, form, to: opset)
        }
        continue
      }
      guard isSteady(node, form, to: opset) else {
        throw stale(form, now, opset).inNode(node.name, form.name)
      }
      forms[node.op] = OperatorForm(
        form.name, domain: "", opset: opset, attributes: form.attributes, inputCount: form.inputCount)
    }
  }

  /// The node with inputs where it had attributes.
  private mutating func movingAttributes(
    _ names: [String], _ node: Node, _ form: OperatorForm, to opset: Int
  ) throws(MaasError) -> Node {
    var inputs = node.inputs
    for name in names {
      switch form.attributes.first(where: { $0.name == name })?.value {
      case .ints(let values):
        inputs.append(
          addConstant("\(node.name)/\(name)", try Tensor(.int64, [values.count], values.map { Int64($0) })))
      case .float(let value):
        inputs.append(addConstant("\(node.name)/\(name)", try Tensor(.float, [], [value])))
      default: inputs.append(nil)
      }
    }
    while inputs.last == .some(nil) { inputs.removeLast() }
    let attributes = form.attributes.filter { !names.contains($0.name) }
    let op = try made(form.name, opset: opset, attributes, inputs.count, node.outputs.count)
    return Node(node.name, op, inputs, node.outputs)
  }

  private func isSteady(_ node: Node, _ form: OperatorForm, to opset: Int) -> Bool {
    guard node.op.bodies.isEmpty else { return false }
    if form.name == "Softmax" || form.name == "LogSoftmax" { return isOverLastAxis(node, form) }
    guard let since = steady[form.name] else { return false }
    return form.opset >= since
  }

  /// Before version 13 the default was axis 1, and all behind it was one row.
  private func isOverLastAxis(_ node: Node, _ form: OperatorForm) -> Bool {
    guard let input = node.inputs[at: 0] ?? nil, let rank = self[input].shape?.rank else { return false }
    return form.int("axis").map { $0 == -1 || $0 == rank - 1 } ?? false
  }

  private func stale(_ form: OperatorForm, _ now: Int, _ opset: Int) -> MaasError {
    MaasError(
      .unsupported, "the operator may mean something else in the opset that quantized models need",
      expected: "opset \(opset) or later", found: "opset \(now)",
      hint: "onnx.version_converter writes the model for another opset")
  }
}
