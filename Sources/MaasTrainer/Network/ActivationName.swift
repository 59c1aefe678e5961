import MaasCore
import MaasGraph

/// A function that a layer applies to its results.
struct ActivationName {
  private let row: Row

  private struct Row: Sendable {
    let word: String
    /// ONNX's op_type; "" for none, and for what is made of several nodes.
    let type: String
    var isRectifier = false
  }

  private static let rows: [Row] = [
    Row(word: "none", type: ""), Row(word: "relu", type: "Relu", isRectifier: true),
    Row(word: "leaky-relu", type: "LeakyRelu", isRectifier: true),
    Row(word: "elu", type: "Elu", isRectifier: true),
    Row(word: "selu", type: "Selu"), Row(word: "celu", type: "Celu"), Row(word: "sigmoid", type: "Sigmoid"),
    Row(word: "tanh", type: "Tanh"), Row(word: "softplus", type: "Softplus"),
    Row(word: "softsign", type: "Softsign"),
    Row(word: "hard-sigmoid", type: "HardSigmoid"),
    Row(word: "hard-swish", type: "HardSwish", isRectifier: true),
    Row(word: "gelu", type: "", isRectifier: true), Row(word: "swish", type: "", isRectifier: true),
    Row(word: "softmax", type: "Softmax"), Row(word: "log-softmax", type: "LogSoftmax"),
  ]

  static let words = rows.map { $0.word }
  static let none = ActivationName(word: "none")

  init(word: String) { row = Self.rows.first { $0.word == word } ?? Self.rows[0] }

  /// The option `activation` of a layer.
  init(_ reader: inout LayerReader, default word: String = "none") throws(MaasError) {
    self.init(word: try reader.choice("activation", Self.words) ?? word)
  }

  /// How weights begin in front of the function.
  func initializer(_ inputs: Int, _ outputs: Int) -> Initializer {
    row.isRectifier ? .he(inputs) : .glorot(inputs, outputs)
  }

  func apply(_ b: inout NetworkBuilder, _ name: String) throws(MaasError) {
    switch row.word {
    case "none": return
    case "swish":
      let sigmoid = try b.node("Sigmoid", name / "sigmoid", [b.current])
      try b.apply("Mul", name / "swish", [sigmoid])
    case "gelu": try b.gelu(name)
    case "softmax", "log-softmax":
      try b.apply(row.type, name / row.word, [], [Attribute("axis", .int(-1))])
    default: try b.apply(row.type, name / row.word)
    }
  }
}

extension NetworkBuilder {
  mutating func activate(_ activation: ActivationName, _ name: String) throws(MaasError) {
    try activation.apply(&self, name)
  }

  /// x/2 (1 + erf(x / √2)), which ONNX has as an operator from opset 20 on.
  fileprivate mutating func gelu(_ name: String) throws(MaasError) {
    let x = current
    let steps: [(type: String, number: Float?)] = [
      ("Div", Float(2).squareRoot()), ("Erf", nil), ("Add", 1), ("Mul", nil), ("Mul", 0.5),
    ]
    for (type, number) in steps {
      let part = name / "gelu" / "\(graph.nodes.count)"
      var other = type == "Mul" ? [x] : []
      if let number { other = [constant(part / "number", try Tensor(.float, [], [number]))] }
      try apply(type, part, other)
    }
  }
}
