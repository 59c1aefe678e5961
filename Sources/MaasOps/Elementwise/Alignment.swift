import MaasCore
import MaasGraph

/// How the second operand of a binary operator lies against the first. Since opset 7 by NumPy's rules; before, it is
/// broadcast only where attribute `broadcast` says so, with its first dimension at `axis` of the first operand.
struct Alignment {
  /// The dimension where the second operand begins; nil where the last dimensions meet.
  private let axis: Int?
  private let mustBeEqual: Bool

  /// NumPy's rules.
  init() { (axis, mustBeEqual) = (nil, false) }

  var isNumPys: Bool { axis == nil && !mustBeEqual }

  /// A slope for each channel, dimension 1.
  static let channels = Alignment(axis: 1)

  private init(axis: Int) { (self.axis, mustBeEqual) = (axis, false) }

  init(_ reader: inout AttributeReader) throws(MaasError) {
    guard reader.opset < 7 else {
      (axis, mustBeEqual) = (nil, false)
      return
    }
    mustBeEqual = try reader.int("broadcast") ?? 0 == 0
    axis = try reader.int("axis")
    reader.ignore("consumed_inputs")
  }

  /// The shape of the result; nil when the rank of an input is unknown.
  func shape(_ node: Inference) throws(MaasError) -> [Dim]? {
    guard let a = try node.shape(0), let b = try node.shape(1) else { return nil }
    if mustBeEqual, let x = Shape(a).concrete, let y = Shape(b).concrete, x != y {
      throw MaasError(
        .shapeMismatch, "the inputs differ in shape", expected: describe(x), found: describe(y),
        hint: "before opset 7, inputs are broadcast only with attribute broadcast = 1")
    }
    return try broadcast(a, aligned(b, .known(1), rank: a.count))
  }

  /// The second operand under the shape that meets the first by NumPy's rules.
  func operand(_ node: Lowering) throws(MaasError) -> Operand {
    let b = try node.input(1)
    return try b.reshaped(aligned(b.shape, 1, rank: try node.input(0).rank))
  }

  private func aligned<N>(_ b: [N], _ one: N, rank: Int) throws(MaasError) -> [N] {
    guard let axis, b.count > 0 else { return b }
    let place = try normalized(axis: axis, rank: rank)
    return b + Array(repeating: one, count: max(0, rank - place - b.count))
  }
}

extension Operand {
  /// The same elements under another shape.
  func reshaped(_ shape: [Int]) throws(MaasError) -> Operand {
    if shape == self.shape { return self }
    return try Operand(
      buffer, dtype, shape,
      constant: try constant.map { tensor throws(MaasError) in try tensor.reshaped(shape) })
  }
}
