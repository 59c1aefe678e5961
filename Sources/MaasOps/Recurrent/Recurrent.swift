import CMaasKernels
import MaasCore
import MaasGraph

/// ONNX's LSTM: one or two directions over a sequence.
///
/// Inputs: X, W, R, B, sequence_lens, initial_h, initial_c, P; outputs: Y, Y_h, Y_c. In layout 0 X is [sequence, batch,
/// input] and Y [sequence, directions, batch, hidden]; in layout 1 the batch comes first everywhere.
package final class LSTM: ReadableOperator {
  package let name = "LSTM"

  enum Direction {
    case forward, reverse, both
    var count: Int { self == .both ? 2 : 1 }
  }
  let direction: Direction
  let batchFirst: Bool
  let clip: Float
  let inputForget: Bool
  /// Three of each direction: for the gates, the cell's input and the output.
  let activations: [maas_f32_activation]
  private let hiddenSize: Int?

  package init(_ reader: inout AttributeReader) throws(MaasError) {
    let text = try reader.string("direction") ?? "forward"
    switch text {
    case "forward": direction = .forward
    case "reverse": direction = .reverse
    case "bidirectional": direction = .both
    default:
      throw MaasError(
        .invalidModel, "attribute 'direction' has an unknown value",
        expected: "forward, reverse or bidirectional", found: text)
    }
    batchFirst = try reader.int("layout") ?? 0 != 0
    clip = try reader.float("clip") ?? 0
    inputForget = try reader.int("input_forget") ?? 0 != 0
    hiddenSize = try reader.int("hidden_size")
    activations = try recurrentActivations(
      &reader, [String](repeating: "", count: direction.count).flatMap { _ in ["Sigmoid", "Tanh", "Tanh"] })
    reader.ignore("output_sequence")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...8)
    try node.expectDType(0, [.float, .float16, .bfloat16])
    let (dtype, directions) = (try node.dtype(0), Dim.known(direction.count))
    for (i, rank) in [(0, 3), (1, 3), (2, 3), (3, 2), (4, 1), (5, 3), (6, 3), (7, 2)] where node.has(i) {
      try node.expectRank(i, rank)
      if i == 4 { try node.expectDType(4, [.int32]) } else { try node.expectSameDType(0, i) }
    }
    let x = try node.shape(0) ?? node.unknownShape(rank: 3)
    let r = try node.shape(2) ?? node.unknownShape(rank: 3)
    let hidden =
      try hiddenSize.map { size throws(MaasError) in try unified(.known(size), r[2], "hidden_size and R") }
      ?? r[2]
    let (steps, batch) = batchFirst ? (x[1], x[0]) : (x[0], x[1])
    try check(node, input: x[2], batch: batch, hidden: hidden)
    let state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    node.setOutput(
      0, dtype, batchFirst ? [batch, steps, directions, hidden] : [steps, directions, batch, hidden])
    for i in 1..<3 where node.wantsOutput(i) { node.setOutput(i, dtype, state) }
  }

  private func check(_ node: Inference, input: Dim, batch: Dim, hidden: Dim) throws(MaasError) {
    let directions = Dim.known(direction.count)
    let state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    let expected: [[Dim]] = [
      [], [directions, .known(4) * hidden, input], [directions, .known(4) * hidden, hidden],
      [directions, .known(8) * hidden], [batch], state, state, [directions, .known(3) * hidden],
    ]
    for i in 1..<8 where node.has(i) {
      guard let found = try node.shape(i) else { continue }
      for d in found.indices { _ = try unified(expected[i][d], found[d], "dimension \(d) of input \(i)") }
    }
  }
}

/// Activations of a recurrent operator, with the alphas and betas that those named take one after the other.
func recurrentActivations(
  _ reader: inout AttributeReader, _ defaults: [String]
) throws(MaasError) -> [maas_f32_activation] {
  let names = try reader.strings("activations") ?? defaults
  var alphas = (try reader.floats("activation_alpha") ?? []).makeIterator()
  var betas = (try reader.floats("activation_beta") ?? []).makeIterator()
  guard names.count == defaults.count else {
    throw MaasError(
      .invalidModel, "attribute 'activations' has the wrong length", expected: "\(defaults.count)",
      found: "\(names.count)")
  }
  var result: [maas_f32_activation] = []
  for name in names {
    guard let row = recurrentTable.first(where: { $0.name == name }) else {
      throw MaasError(
        .unsupported, "the activation '\(name)' is not supported",
        expected: joined(recurrentTable.map { $0.name }, ", "))
    }
    let alpha = row.alpha.map { alphas.next() ?? $0 }
    let beta = row.beta.map { betas.next() ?? $0 }
    result.append(maas_f32_activation(op: row.op, alpha: alpha ?? 0, beta: beta ?? 0))
  }
  return result
}

/// Nil where the function has no such parameter.
private let recurrentTable: [(name: String, op: maas_unary, alpha: Float?, beta: Float?)] = [
  ("Affine", MAAS_UNARY_AFFINE, 1, 0),
  ("Elu", MAAS_UNARY_ELU, 1, nil),
  ("HardSigmoid", MAAS_UNARY_HARD_SIGMOID, 0.2, 0.5),
  ("LeakyRelu", MAAS_UNARY_LEAKY_RELU, 0.01, nil),
  ("Relu", MAAS_UNARY_RELU, nil, nil),
  ("Sigmoid", MAAS_UNARY_SIGMOID, nil, nil),
  ("Softplus", MAAS_UNARY_SOFTPLUS, nil, nil),
  ("Softsign", MAAS_UNARY_SOFTSIGN, nil, nil),
  ("Tanh", MAAS_UNARY_TANH, nil, nil),
  ("ThresholdedRelu", MAAS_UNARY_THRESHOLDED_RELU, 1, nil),
]
