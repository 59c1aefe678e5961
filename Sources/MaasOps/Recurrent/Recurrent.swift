import CMaasKernels
import MaasCore
import MaasGraph

/// ONNX's RNN, GRU and LSTM: one or two directions over a sequence.
///
/// Inputs: X, W, R, B, sequence_lens, initial_h, and LSTM's initial_c and P; outputs: Y, Y_h, and LSTM's Y_c. In
/// layout 0 X is [sequence, batch, input] and Y [sequence, directions, batch, hidden]; in layout 1 the batch comes
/// first everywhere. Of a sequence of length 0, Y_h and Y_c are 0, whatever it began with, as in ONNX Runtime.
package final class Recurrent: OperatorFamily {
  enum Cell {
    case rnn, gru, lstm

    var gates: Int { self == .rnn ? 1 : self == .gru ? 3 : 4 }
    /// Of each direction. For LSTM: for the gates, the cell's input and the output.
    var activations: [String] {
      switch self {
      case .rnn: ["Tanh"]
      case .gru: ["Sigmoid", "Tanh"]
      case .lstm: ["Sigmoid", "Tanh", "Tanh"]
      }
    }
  }

  package struct Row: Sendable {
    let name: String
    let cell: Cell

    package static let rnn = Row(name: "RNN", cell: .rnn)
    package static let gru = Row(name: "GRU", cell: .gru)
    package static let lstm = Row(name: "LSTM", cell: .lstm)
  }

  enum Direction {
    case forward, reverse, both
    var count: Int { self == .both ? 2 : 1 }
  }

  private let row: Row
  let direction: Direction
  let batchFirst: Bool
  let clip: Float
  /// LSTM: the forget gate is 1 - the input gate.
  let inputForget: Bool
  /// GRU: the reset gate multiplies the product with R instead of what goes into it.
  let linearBeforeReset: Bool
  let activations: [maas_f32_activation]
  private let hiddenSize: Int?
  var cell: Cell { row.cell }
  package var name: String { row.name }

  package init(_ row: Row, _ reader: inout AttributeReader) throws(MaasError) {
    self.row = row
    direction = try Direction(&reader)
    batchFirst = try reader.int("layout") ?? 0 != 0
    clip = try reader.float("clip") ?? 0
    inputForget = row.cell == .lstm ? try reader.int("input_forget") ?? 0 != 0 : false
    linearBeforeReset = row.cell == .gru ? try reader.int("linear_before_reset") ?? 0 != 0 : false
    hiddenSize = try reader.int("hidden_size")
    activations = try recurrentActivations(
      &reader, (0..<direction.count).flatMap { _ in row.cell.activations },
      // ONNX's default for RNN has two, whatever the direction.
      most: row.cell == .rnn ? 2 : row.cell.activations.count * direction.count)
    reader.ignore("output_sequence")
    try reader.finish()
  }

  package func infer(_ node: inout Inference) throws(MaasError) {
    try node.expectInputs(3...(cell == .lstm ? 8 : 6))
    try node.expectDType(0, DType.floats)
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
    for i in 1..<(cell == .lstm ? 3 : 2) where node.wantsOutput(i) { node.setOutput(i, dtype, state) }
  }

  private func check(_ node: Inference, input: Dim, batch: Dim, hidden: Dim) throws(MaasError) {
    let (directions, gates) = (Dim.known(direction.count), Dim.known(cell.gates) * hidden)
    let state = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden]
    let expected: [[Dim]] = [
      [], [directions, gates, input], [directions, gates, hidden], [directions, .known(2) * gates], [batch],
      state, state, [directions, .known(3) * hidden],
    ]
    for i in 1..<8 where node.has(i) {
      guard let found = try node.shape(i) else { continue }
      for d in found.indices { _ = try unified(expected[i][d], found[d], "dimension \(d) of input \(i)") }
    }
  }
}

extension Recurrent.Direction {
  fileprivate init(_ reader: inout AttributeReader) throws(MaasError) {
    let text = try reader.string("direction") ?? "forward"
    switch text {
    case "forward": self = .forward
    case "reverse": self = .reverse
    case "bidirectional": self = .both
    default:
      throw MaasError(
        .invalidModel, "attribute 'direction' has an unknown value",
        expected: "forward, reverse or bidirectional", found: text)
    }
  }
}

/// The functions that `activations` names, with the alphas and betas that those take one after the other.
private func recurrentActivations(
  _ reader: inout AttributeReader, _ defaults: [String], most: Int
) throws(MaasError) -> [maas_f32_activation] {
  let names = try reader.strings("activations") ?? defaults
  var alphas = (try reader.floats("activation_alpha") ?? []).makeIterator()
  var betas = (try reader.floats("activation_beta") ?? []).makeIterator()
  guard names.count >= defaults.count, names.count <= most else {
    throw MaasError(
      .invalidModel, "attribute 'activations' has the wrong length", expected: "\(defaults.count)",
      found: "\(names.count)")
  }
  var result: [maas_f32_activation] = []
  for name in names.prefix(defaults.count) {
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
  ("ScaledTanh", MAAS_UNARY_SCALED_TANH, 1, 1),
  ("Sigmoid", MAAS_UNARY_SIGMOID, nil, nil),
  ("Softplus", MAAS_UNARY_SOFTPLUS, nil, nil),
  ("Softsign", MAAS_UNARY_SOFTSIGN, nil, nil),
  ("Tanh", MAAS_UNARY_TANH, nil, nil),
  ("ThresholdedRelu", MAAS_UNARY_THRESHOLDED_RELU, 1, nil),
]
