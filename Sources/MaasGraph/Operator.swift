import MaasCore

/// One operator with its attributes: everything that is true of it stands in its own room.
///
/// Operators are immutable. `infer` and `lower` see the same node, first with facts that may be symbolic, then with
/// concrete shapes; evaluation of constants is lowering followed by running the steps at once.
package protocol Operator: AnyObject, Sendable {
  /// ONNX's op_type, e.g. `Conv`.
  var name: String { get }

  /// Says dtype and shape of every output, or why the inputs are refused.
  func infer(_ node: inout Inference) throws(MaasError)

  /// Emits the steps that compute the outputs.
  func lower(_ node: inout Lowering) throws(MaasError)

  /// Adds nodes that compute the gradients of the inputs out of those of the outputs, or says why there are none.
  func gradient(_ node: inout Backward) throws(MaasError)

  /// Graphs this operator carries. Each body's inputs come from the node's last inputs: the captures of the first
  /// body, then those of the second, and so on.
  var bodies: [Graph] { get }

  /// True for If: input 0 says which of two bodies gives the outputs. The plan puts the chosen body in the node's
  /// place.
  var selectsBody: Bool { get }

  /// True for Identity: output 0 is input 0, whatever it is.
  var forwards: Bool { get }

  /// True where equal inputs may give different outputs: never folded.
  var isRandom: Bool { get }

  /// The same operator on images whose channels come last, [N, spatial..., C], with weights in ONNX's order, which
  /// must be constant where they are floats; nil where there is none.
  var channelsLast: (any Operator)? { get }

  /// This operator, when it runs between plans instead of in one.
  var host: (any HostOperator)? { get }

  /// As `host`, for an operator that runs between plans only for some element types of its inputs, or where `infer` did
  /// not tell the outputs' shapes.
  func host(_ inputs: [DType?], _ outputs: [Fact?]) -> (any HostOperator)?
}

extension Operator {
  package func gradient(_ node: inout Backward) throws(MaasError) {
    throw MaasError(.unsupported, "the operator has no gradient")
  }
  package var bodies: [Graph] { [] }
  package var selectsBody: Bool { false }
  package var forwards: Bool { false }
  package var isRandom: Bool { false }
  package var channelsLast: (any Operator)? { nil }
  package var host: (any HostOperator)? { nil }
  package func host(_ inputs: [DType?], _ outputs: [Fact?]) -> (any HostOperator)? { host }
}
