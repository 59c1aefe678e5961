import CMaasSystem
import MaasCore
import MaasGraph

/// The gradient of input 0 of an operator that only moves elements. Inputs: that of the output, input 0, and the
/// operator's other inputs.
///
/// The operator moves the places of the elements, counted from 1, in the elements' stead: what it adds of its own is 0.
/// Each element of the output's gradient goes where its place says.
final class MovedGradient: Operator {
  let name = "MovedGradient"
  private let op: any Operator
  /// Whether the operator must know its other inputs to tell what it moves.
  private let needsContents: Bool

  init(_ op: any Operator, needsContents: Bool = false) {
    self.op = op
    self.needsContents = needsContents
  }

  func infer(_ node: inout Inference) throws(MaasError) {
    if needsContents { for i in 2..<node.inputs.count where node.has(i) { _ = try node.integers(i) } }
    node.setOutput(0, try node.dtype(0), try node.shape(1))
  }

  func lower(_ node: inout Lowering) throws(MaasError) {
    let (dy, x, dx) = (try node.input(0), try node.input(1), try node.output())
    let places = try node.temporary(.int64, x.shape)
    let moved = try node.temporary(.int64, dy.shape)
    node.emit(
      countPlaces, [places], UInt8(0), dtype: .int64, items: places.count, grain: grain(nanoseconds: 1))
    let aliases = node.aliases.count
    let rest = Array(node.inputs.dropFirst(2))
    try node.substituting([places] + rest, [moved]) { (node) throws(MaasError) in try op.lower(&node) }
    // Nothing has moved: then input 0 of this node, too, is its output.
    if node.aliases.count > aliases { return }
    let own = try node.floating(dy)
    let target = try node.target(dx, own.dtype)
    try node.emitFill(target, try zero(target.dtype))
    // Two may go to one place.
    node.emit(
      { dispatch(PlacedSumKernel.self, Chunk($0, $1, $2, $3)) }, [own, moved, target], own.count,
      dtype: own.dtype)
    node.narrow(target, into: dx)
  }
}

/// Places, from 1 on.
private let countPlaces: maas_step_run = { step, begin, end, worker in
  let chunk = Chunk(step, begin, end, worker)
  let places = chunk.output(0, as: Int64.self)
  for i in chunk.begin..<chunk.end { places[i] = Int64(i + 1) }
  return StepStatus.ok
}

/// x, int64 places from 1 on or 0, sums.
private enum PlacedSumKernel: FloatKernel {
  static func run<T: Number & BinaryFloatingPoint>(_ chunk: Chunk, _ type: T.Type) -> Int32 {
    let (x, places) = (chunk.input(0, as: T.self), chunk.input(1, as: Int64.self))
    let sums = chunk.output(2, as: T.self)
    for i in 0..<chunk.params(Int.self).pointee where places[i] > 0 { sums[Int(places[i]) - 1] += x[i] }
    return StepStatus.ok
  }
}
